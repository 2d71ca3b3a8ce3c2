// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
new Array(3e7).fill(0.5)
