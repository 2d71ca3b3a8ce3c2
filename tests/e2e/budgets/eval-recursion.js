// expect: threw RangeError|threw EvalError
// limits: cpu_ms=20000 wall_ms=60000
// permissions: eval
console.log("before");
var text = "eval(text)"
eval(text)
