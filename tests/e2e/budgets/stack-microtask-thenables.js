// expect: cpu_exceeded|heap_exceeded
console.log("before");
const t = { then(f) { f(t) } }
await t
