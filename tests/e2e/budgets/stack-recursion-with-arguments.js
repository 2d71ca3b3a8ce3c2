// expect: threw RangeError|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const many = new Array(60000).fill(1)
;(function f(...a) { return f(...a, ...many) })(...many)
