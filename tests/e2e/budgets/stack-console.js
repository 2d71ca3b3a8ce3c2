// expect: threw RangeError|output_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let a = {}
for (let i = 0; i < 1e5; i++) a = { a }
console.dir(a, { depth: Infinity })
throw new RangeError("printed")
