// Behaviour: without the permission everything in WebAssembly refuses
// Spec: docs/scripts.md, Permissions
// Job: {"permissions":{"wasm":false}}
// Expect: error CompileError /WebAssembly is not allowed for this job/
new WebAssembly.Memory({ initial: 1 });
