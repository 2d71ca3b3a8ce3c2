// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
const a = "\u00e9".repeat(1e6), b = "e\u0301".repeat(1e6)
for (;;) a.localeCompare(b)
