// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let list = null
for (;;) list = { list }
