// layer: budgets
// attack: takes memory through WebAssembly, whose code is off
// success: it goes on beyond the limit
// ends: memory_exceeded threw
// alone-ends: memory_exceeded threw
// limits: --memory-mb 48 --cpu-ms 8000
// control: none: WebAssembly needs a permission
const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
for (let i = 0; i < 40; i++) { m.grow(64); new Uint8Array(m.buffer).fill(1); }
export default escaped(m.buffer.byteLength);
