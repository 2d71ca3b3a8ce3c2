// expect: cpu_exceeded|heap_exceeded|threw RangeError
// limits: cpu_ms=2000
console.log("before");
const f = () => {
    setTimeout(f)
    setTimeout(f)
}
f()
