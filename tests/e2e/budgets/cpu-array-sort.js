// expect: cpu_exceeded|threw RangeError|heap_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
const a = []
a.length = 4e9
a.sort()
