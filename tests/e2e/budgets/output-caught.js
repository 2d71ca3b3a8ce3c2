// expect: output_exceeded
// limits: output_kb=8
console.log("before");
for (;;) {
    try {
        console.log("x".repeat(500))
    } catch {
        console.error("caught")
    }
}
