// expect: heap_exceeded|memory_exceeded|threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
// permissions: wasm
console.log("before");
const kept = []
for (;;) kept.push(new WebAssembly.Table({ initial: 1000000, element: "anyfunc" }))
