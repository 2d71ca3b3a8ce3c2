// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = [], text = "a".repeat(1e5)
for (;;) kept.push([...text.matchAll(/(a)(a)?(a)?/g)])
