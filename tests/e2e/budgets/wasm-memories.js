// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// permissions: wasm
console.log("before");
const kept = []
for (;;) kept.push(new WebAssembly.Memory({ initial: 1, maximum: 65536 }))
