// layer: budgets
// attack: a text of ten million brackets is parsed
// success: it goes on beyond the limit
// ends: cpu_exceeded heap_exceeded memory_exceeded
// alone-ends: cpu_exceeded heap_exceeded memory_exceeded
// limits: --cpu-ms 100
// control: none: it has no end
const deep = "[".repeat(1e6);
try { JSON.parse(deep + "]".repeat(1e6)); } catch { /* too deep */ }
for (;;) JSON.parse(`[${"[],".repeat(1e5)}0]`);
