// Behaviour: a full heap ends the job
// Spec: docs/protocol.md, Budgets
// Job: {"limits":{"heap_mb":16,"cpu_ms":5000}}
// Expect: outcome heap_exceeded
const l = []; for (let i = 0; ; i++) l.push({ i, s: `text ${i}` });
