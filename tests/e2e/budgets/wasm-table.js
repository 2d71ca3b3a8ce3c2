// expect: heap_exceeded|memory_exceeded|threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
// permissions: wasm
console.log("before");
const t = new WebAssembly.Table({ initial: 1, element: "externref" })
for (;;) t.grow(100000, {})
