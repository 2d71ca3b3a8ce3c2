// expect: wall_exceeded
// limits: wall_ms=1500 cpu_ms=10000
console.log("before");
setInterval(() => {}, 1)
