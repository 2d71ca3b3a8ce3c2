// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const o = {}
for (let i = 0; ; i++) o[`key${i}`] = i
