// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const o = { get x() { return this.x } }
o.x
