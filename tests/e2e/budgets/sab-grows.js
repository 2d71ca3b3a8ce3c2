// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// permissions: sab
console.log("before");
const b = new SharedArrayBuffer(1, { maxByteLength: 2 ** 30 })
for (let n = 1; ; n += 1 << 20) b.grow(n)
