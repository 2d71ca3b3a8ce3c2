// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
new Array(-1)
