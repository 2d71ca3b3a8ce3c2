// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
new Uint8Array(2 ** 32)
