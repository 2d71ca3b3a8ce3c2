// layer: budgets
// attack: catches its own end, again and again
// success: it goes on beyond the limit
// ends: cpu_exceeded
// alone-ends: cpu_exceeded
// limits: --cpu-ms 60
// control: none: it has no end
for (;;) try { for (;;); } finally { for (;;); }
