// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let p = {}
for (let i = 0; i < 1e5; i++) p = new Proxy(p, {})
p.x
