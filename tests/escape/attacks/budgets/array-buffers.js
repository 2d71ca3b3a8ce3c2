// layer: budgets
// attack: takes memory outside the heap
// success: it goes on beyond the limit
// ends: memory_exceeded
// alone-ends: memory_exceeded
// limits: --memory-mb 48 --cpu-ms 8000
// control: limits
// control-limits: --memory-mb 512 --cpu-ms 8000
// control-ends: ok
const a = [];
for (let i = 0; i < 40; i++) a.push(new Uint8Array(4e6).fill(1));
export default escaped(a.length);
