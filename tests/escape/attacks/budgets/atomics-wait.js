// layer: budgets
// attack: waits inside Atomics.wait, where no turn of the loop comes
// success: it goes on beyond the limit
// ends: wall_exceeded threw
// alone-ends: wall_exceeded threw
// limits: --wall-ms 150
// control: none: it has no end
Atomics.wait(new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer), 0, 0, 1e7);
