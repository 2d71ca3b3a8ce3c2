// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const row = Array.from({ length: 20 }, () => new Uint8Array(1e6).fill(1))
const kept = []
for (;;) kept.push(structuredClone(row))
