// Behaviour: bytes outside the heap count as memory
// Spec: docs/protocol.md, Budgets
// Job: {"limits":{"memory_mb":48,"cpu_ms":5000}}
// Expect: outcome memory_exceeded
const l = []; for (;;) l.push(new Uint8Array(4 << 20).fill(1));
