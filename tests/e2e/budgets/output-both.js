// expect: output_exceeded
// limits: output_kb=8
console.log("before");
for (;;) {
    console.log("out")
    console.error("err")
}
