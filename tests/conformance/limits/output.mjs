// Behaviour: more output than allowed ends the job, what fits is kept
// Spec: docs/protocol.md, Budgets
// Job: {"limits":{"output_kb":2,"cpu_ms":5000}}
// Expect: outcome output_exceeded
for (;;) console.log('x'.repeat(100));
