// layer: isolate
// attack: hands text to setTimeout, which browsers compile
// success: the text runs
// control: none: Node refuses text as well
globalThis.ran = false;
let why = 'it was not run';
try { setTimeout('globalThis.ran = true', 0); } catch (e) { why = e.message; }
await new Promise((r) => setTimeout(r, 5));
export default globalThis.ran ? escaped('it ran') : held(why);
