// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const m = new Map()
for (let i = 0; ; i++) m.set(i, { i })
