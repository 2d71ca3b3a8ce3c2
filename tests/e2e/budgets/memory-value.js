// expect: heap_exceeded|memory_exceeded|output_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
export default new Array(1e6).fill("x".repeat(100))
