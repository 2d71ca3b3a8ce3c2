// layer: isolate
// attack: compiles WebAssembly in every way there is
// success: a module is made
// control: node
const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
const made = [];
for (const way of [() => new WebAssembly.Module(empty), () => WebAssembly.compile(empty), () => WebAssembly.instantiate(empty), () => WebAssembly.compileStreaming(empty)])
    try { if (await way()) made.push('module'); } catch { /* refused */ }
export default made.length ? escaped(`${made.length} ways`) : held('not compiled');
