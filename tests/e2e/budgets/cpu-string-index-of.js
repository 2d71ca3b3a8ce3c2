// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
const text = "a".repeat(1e6) + "b", part = "a".repeat(5e5) + "c"
for (;;) text.indexOf(part)
