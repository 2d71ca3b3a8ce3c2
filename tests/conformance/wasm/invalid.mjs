// Behaviour: bytes that are no module are a CompileError
// Spec: WebAssembly JavaScript Interface
// Covers: WebAssembly
// Job: {"permissions":{"wasm":true}}
// Expect: error CompileError /./
await WebAssembly.compile(new Uint8Array([1, 2, 3, 4]));
