// expect: threw RangeError|ok
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let a = []
for (let i = 0; i < 1e5; i++) a = [a]
structuredClone(a)
