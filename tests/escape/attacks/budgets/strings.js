// layer: budgets
// attack: a rope of strings that is made flat at once
// success: it goes on beyond the limit
// ends: heap_exceeded memory_exceeded threw
// alone-ends: heap_exceeded memory_exceeded threw
// limits: --memory-mb 48 --heap-mb 16 --cpu-ms 8000
// control: none: the value is larger than a result
let s = "x".repeat(1 << 20);
for (let i = 0; i < 8; i++) s += s;
export default escaped(JSON.stringify(s).length);
