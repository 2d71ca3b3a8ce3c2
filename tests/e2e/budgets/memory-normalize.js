// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = [], text = "\ufdfa".repeat(1e6)
for (;;) kept.push(text.normalize("NFKD"))
