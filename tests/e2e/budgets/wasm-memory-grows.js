// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// permissions: wasm
console.log("before");
const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 })
for (;;) {
    m.grow(16)
    new Uint8Array(m.buffer).fill(1, m.buffer.byteLength - (1 << 20))
}
