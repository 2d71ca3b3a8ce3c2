// layer: budgets
// attack: promises that make promises
// success: it goes on beyond the limit
// ends: cpu_exceeded
// alone-ends: cpu_exceeded
// limits: --cpu-ms 60
// control: none: it has no end
(function again() { Promise.resolve().then(again); })();
await new Promise(() => {});
