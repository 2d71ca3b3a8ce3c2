// expect: heap_exceeded|memory_exceeded|threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let s = "aa"
for (;;) {
    s = s.replaceAll("a", "aaaa")
    s.charCodeAt(0)
}
