// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const first = new Promise(() => {})
let p = first
for (;;) {
    p = p.then(() => {})
    if (p === first) break
}
