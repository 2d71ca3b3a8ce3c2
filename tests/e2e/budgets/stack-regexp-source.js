// expect: threw RangeError|threw SyntaxError|heap_exceeded|memory_exceeded|cpu_exceeded|output_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
new RegExp("(".repeat(1e6) + ")".repeat(1e6))
