// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let text = "abcd"
const kept = []
for (;;) {
    text = btoa(text)
    kept.push(text)
}
