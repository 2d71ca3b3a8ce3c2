// Behaviour: code without end is stopped by its CPU budget
// Spec: docs/protocol.md, Budgets
// Job: {"limits":{"cpu_ms":40}}
// Expect: outcome cpu_exceeded
for (;;);
