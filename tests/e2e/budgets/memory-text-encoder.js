// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const text = "\u20ac".repeat(5e6), kept = []
for (;;) kept.push(new TextEncoder().encode(text))
