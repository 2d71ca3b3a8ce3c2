// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const f = () => [2, 1].sort(f) && 0
f()
