// layer: isolate
// attack: compiles text through the constructors of async functions and generators, which have no name
// success: one of them compiles
// control: node
const kinds = [async () => {}, function* () {}, async function* () {}];
const made = kinds.filter((kind) => { try { return kind.constructor('return 1'); } catch { return false; } });
export default made.length ? escaped(`${made.length} compiled`) : held('none compiles');
