// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
2n ** (2n ** 31n)
