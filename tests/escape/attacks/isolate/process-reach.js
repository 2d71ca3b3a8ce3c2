// layer: isolate
// attack: looks for the objects that hosts hand to scripts
// success: one of them is there (not fetch: it is the web's, and the supervisor's to refuse)
// control: node
const names = ['process', 'require', 'module', 'global', 'Buffer', 'internalBinding', 'primordials', 'Deno', 'Bun', 'WorkerGlobalScope', 'Worker', 'XMLHttpRequest', 'load', 'read', 'readFile', 'quit', 'os', 'std', 'Realm', '__dirname'];
const there = names.filter((name) => { try { return typeof globalThis[name] !== 'undefined'; } catch { return true; } });
export default there.length ? escaped(there) : held('none is there');
