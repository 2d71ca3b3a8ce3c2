// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (;;) {
    try {
        for (;;) kept.push(new Array(1000).fill(kept.length))
    } catch {
        console.log("caught")
    } finally {
        console.log("finally")
    }
}
