// Behaviour: profile jitless has no WebAssembly, whatever the permission
// Spec: docs/protocol.md, Job, profile
// Job: {"profile":"jitless","permissions":{"wasm":false}}
// Expect: value ["undefined",55]
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
export default [typeof WebAssembly, fib(10)];
