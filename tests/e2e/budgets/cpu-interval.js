// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
let n = 0
setInterval(() => { for (let i = 0; i < 1e6; i++) n += i }, 0)
