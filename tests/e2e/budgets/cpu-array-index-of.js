// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
const a = []
a.length = 2 ** 32 - 1
a[2 ** 31] = 1
a.indexOf(2)
