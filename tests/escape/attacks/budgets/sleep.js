// layer: budgets
// attack: waits for ever
// success: it goes on beyond the limit
// ends: wall_exceeded
// alone-ends: wall_exceeded
// limits: --wall-ms 120
// control: none: it has no end
await new Promise((r) => setTimeout(r, 1e8));
