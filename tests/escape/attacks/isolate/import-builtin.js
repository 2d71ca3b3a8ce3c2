// layer: isolate
// attack: imports modules of Node.js by every name they have
// success: one is loaded
// control: node
const names = ['fs', 'node:fs', 'node:process', 'child_process', 'node:worker_threads', 'node:vm', 'node:sqlite', 'internal/bootstrap/realm', 'isolane:builtins'];
const loaded = [];
for (const name of names) await import(name).then(() => loaded.push(name), () => {});
export default loaded.length ? escaped(loaded) : held('none is loaded');
