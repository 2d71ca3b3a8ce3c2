// Behaviour: a promise that nobody settles while a timer is pending ends by the wall clock
// Spec: docs/protocol.md, Budgets
// Job: {"limits":{"wall_ms":60}}
// Expect: outcome wall_exceeded
setInterval(() => {}, 10); await new Promise(() => {});
