// expect: threw RangeError|ok
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
JSON.parse("[".repeat(1e5) + "]".repeat(1e5))
