// expect: threw Error|output_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let e = new Error("0")
for (let i = 0; i < 1e5; i++) e = new Error("x", { cause: e })
throw e
