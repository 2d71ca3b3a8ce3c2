// layer: isolate
// attack: looks for what V8 itself offers to embedders and shells
// success: one of them is there
// control: node --expose-gc
const names = ['gc', 'd8', 'testRunner', 'extrasBinding', 'v8', 'trace', 'inspector', 'freeBuffer', 'version', 'printErr', 'createRealm', 'setTimeoutNative', '%DebugPrint'];
const there = names.filter((name) => name in globalThis);
export default there.length ? escaped(there) : held('none is there');
