// layer: budgets
// attack: a regular expression that backtracks for ever
// success: it goes on beyond the limit
// reference: ReDoS
// ends: cpu_exceeded
// alone-ends: cpu_exceeded
// limits: --cpu-ms 60
// control: none: it has no end
/^(a+)+$/.test(`${"a".repeat(60)}!`);
