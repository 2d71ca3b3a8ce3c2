// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
const a = new Float64Array(4e6)
for (;;) {
    for (let i = 0; i < a.length; i += 1) a[i] = (i * 7919) % 1000003
    a.sort()
}
