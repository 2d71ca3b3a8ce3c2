// layer: isolate
// attack: throws what looks like the supervisor's own verdicts
// success: the outcome is anything but `threw`
// ends: threw
// control: none: the supervisor decides
const e = new Error('cpu_ms: the limit of 1 was reached');
throw Object.assign(e, { name: 'BudgetExceeded', outcome: 'ok', end: 1, toJSON: () => ({ outcome: 'ok', escaped: true }), escaped: true });
