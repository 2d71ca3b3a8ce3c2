// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// permissions: wasm
console.log("before");
new WebAssembly.Memory({ initial: 60000 })
