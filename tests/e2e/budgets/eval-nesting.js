// expect: threw RangeError|threw SyntaxError
// limits: cpu_ms=20000 wall_ms=60000
// permissions: eval
console.log("before");
eval("(".repeat(1e6) + "1" + ")".repeat(1e6))
