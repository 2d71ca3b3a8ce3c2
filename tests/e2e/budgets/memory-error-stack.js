// expect: heap_exceeded|memory_exceeded|output_exceeded|threw Error
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const e = new Error("x".repeat(3e7))
throw e
