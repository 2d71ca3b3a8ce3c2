// layer: isolate
// attack: shared memory, from the constructor or from WebAssembly.Memory, and a second thread that counts in it, as a clock
// success: a second thread runs
// control: none: a thread needs a worker, and there is none to be had
const sources = [() => new SharedArrayBuffer(8), () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer];
let threads = 0, shared = 0;
for (const make of sources) {
    try {
        const view = new Int32Array(make(), 0, 1);
        shared++;
        const Other = globalThis.Worker ?? globalThis.SharedWorker;
        if (Other) { new Other('data:text/javascript,'); threads++; }
        const before = Atomics.load(view, 0);
        for (let i = 0; i < 1e5; i++) if (Atomics.load(view, 0) !== before) { threads++; break; }
    } catch { /* not to be had */ }
}
export default threads ? escaped('a thread counts') : held(`${shared} buffers, no thread`);
