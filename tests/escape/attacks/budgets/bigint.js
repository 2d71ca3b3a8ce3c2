// layer: budgets
// attack: one multiplication that lasts for ever
// success: it goes on beyond the limit
// ends: cpu_exceeded heap_exceeded memory_exceeded threw
// alone-ends: cpu_exceeded heap_exceeded memory_exceeded threw
// limits: --cpu-ms 150
// control: none: it has no end
let x = 3n ** 200000n;
for (;;) x = x * x;
