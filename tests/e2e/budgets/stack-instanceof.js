// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
class A { static [Symbol.hasInstance](x) { return x instanceof A } }
;({}) instanceof A
