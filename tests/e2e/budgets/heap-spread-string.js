// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
console.log([..."x".repeat(1e8)].length)
