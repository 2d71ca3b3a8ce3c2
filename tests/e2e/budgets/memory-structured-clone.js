// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const row = new Array(1e5).fill(0).map((_, i) => ({ i }))
const kept = []
for (;;) kept.push(structuredClone(row))
