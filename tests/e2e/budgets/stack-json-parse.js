// expect: threw SyntaxError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
JSON.parse("[".repeat(1e6))
