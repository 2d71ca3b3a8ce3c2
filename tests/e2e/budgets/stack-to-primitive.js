// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
var o = { [Symbol.toPrimitive]() { return +o } };
+o
