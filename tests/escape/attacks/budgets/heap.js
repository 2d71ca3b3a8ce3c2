// layer: budgets
// attack: fills the heap
// success: it goes on beyond the limit
// ends: heap_exceeded
// alone-ends: heap_exceeded
// limits: --heap-mb 16 --cpu-ms 8000
// control: limits
// control-limits: --heap-mb 256 --cpu-ms 8000
// control-ends: ok
const a = [];
for (let i = 0; i < 6e5; i++) a.push({ i, s: `x${i}` });
export default escaped(a.length);
