// layer: isolate
// attack: climbs from an object to Function and compiles text
// success: the text runs
// control: node
let made;
try { made = {}.constructor.constructor('return typeof process + 1')(); } catch (e) { made = e; }
export default typeof made === 'string' ? escaped(made) : held(made.message);
