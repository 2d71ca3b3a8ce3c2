// expect: threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const p = new Proxy({}, { getPrototypeOf: () => p })
;({}) instanceof Object
let q = {}
for (let i = 0; i < 1e5; i++) q = new Proxy(q, {})
q instanceof Array
