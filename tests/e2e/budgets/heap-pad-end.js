// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (;;) kept.push("x".padEnd(2 ** 24, "ab").replaceAll("a", "c"))
