// Behaviour: memory grows by pages
// Spec: WebAssembly JavaScript Interface, Memory
// Covers: WebAssembly
// Job: {"permissions":{"wasm":true}}
// Expect: value [65536,131072]
const m = new WebAssembly.Memory({ initial: 1, maximum: 2 }); const a = m.buffer.byteLength; m.grow(1);
export default [a, m.buffer.byteLength];
