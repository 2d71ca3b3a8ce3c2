// layer: budgets
// attack: sets a million timers
// success: it goes on beyond the limit
// ends: cpu_exceeded heap_exceeded memory_exceeded wall_exceeded threw
// alone-ends: cpu_exceeded heap_exceeded memory_exceeded wall_exceeded threw
// limits: --cpu-ms 300 --wall-ms 1500 --heap-mb 16
// control: none: they take longer than a test may
for (let i = 0; i < 1e6; i++) setTimeout(() => {}, 1e6 + i);
await new Promise((r) => setTimeout(r, 1e7));
