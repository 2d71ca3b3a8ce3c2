// expect: ok|heap_exceeded|memory_exceeded|threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const text = "ab".repeat(2e7)
console.log(/^(?:a|b|(?:ab))*c/.test(text))
