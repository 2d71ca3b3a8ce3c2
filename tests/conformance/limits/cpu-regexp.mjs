// Behaviour: a regular expression without end, too
// Spec: docs/protocol.md, Budgets
// Job: {"limits":{"cpu_ms":40}}
// Expect: outcome cpu_exceeded
/(a+)+$/.test('a'.repeat(64) + 'b');
