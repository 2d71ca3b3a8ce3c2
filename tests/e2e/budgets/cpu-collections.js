// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
const m = new Map()
for (let i = 0; ; i++) m.set(i % 1000, i)
