// Behaviour: emit refuses what is no job
// Spec: docs/scripts.md, emit
// Covers: emit
// Job: {"permissions":{"emit":true}}
// Expect: error InvalidArgument /./
await emit({ scrip: 'x' });
