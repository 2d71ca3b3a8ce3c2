// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const text = `[${"{},".repeat(1e6)}0]`
const kept = []
for (;;) kept.push(JSON.parse(text))
