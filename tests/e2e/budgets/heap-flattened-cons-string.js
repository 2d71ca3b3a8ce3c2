// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let s = "ab"
while (s.length < 2 ** 27) s += s
console.log(s.charCodeAt(2 ** 26))
