// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const b = new ArrayBuffer(1, { maxByteLength: 2 ** 30 })
for (let n = 1; ; n += 1 << 20) {
    b.resize(n)
    new Uint8Array(b).fill(1, n - 1)
}
