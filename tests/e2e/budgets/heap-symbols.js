// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
for (let i = 0; ; i++) Symbol.for(`symbol ${i}`)
