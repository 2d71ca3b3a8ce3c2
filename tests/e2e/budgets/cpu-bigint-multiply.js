// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
let n = 3n ** 1000000n
for (;;) n = (n * n) % (7n ** 900000n)
