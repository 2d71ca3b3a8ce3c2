// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (let n = 1n << 4000000n; ; n += 1n) kept.push(n)
