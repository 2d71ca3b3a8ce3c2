// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const s = new Set()
for (let i = 0; ; i++) s.add(`k${i}`)
