// layer: budgets
// attack: burns CPU
// success: it goes on beyond the limit
// ends: cpu_exceeded
// alone-ends: cpu_exceeded
// limits: --cpu-ms 60
// control: none: it has no end
for (;;);
