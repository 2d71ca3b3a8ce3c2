// expect: heap_exceeded|memory_exceeded|cpu_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// permissions: wasm
console.log("before");
const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1])
const m = new WebAssembly.Module(bytes), kept = []
for (;;) kept.push(new WebAssembly.Instance(m))
