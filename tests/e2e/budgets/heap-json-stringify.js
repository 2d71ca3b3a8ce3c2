// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const row = new Array(1e5).fill("x".repeat(200))
const kept = []
for (;;) kept.push(JSON.stringify(row))
