// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
let a = []
for (let i = 0; ; i++) {
    a.push({ i })
    if (a.length > 1e5) a = []
}
