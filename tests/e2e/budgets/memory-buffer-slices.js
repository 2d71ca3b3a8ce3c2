// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let b = new Uint8Array(1e6).fill(7)
const kept = []
for (;;) kept.push(b.slice())
