// expect: cpu_exceeded|threw RangeError|heap_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
const a = []
a.length = 2 ** 31
a[1] = 1
for (;;) [].concat(a)
