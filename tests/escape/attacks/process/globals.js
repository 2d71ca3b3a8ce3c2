// layer: process
// attack: leaves marks in globals, prototypes, built-ins and the console, and looks for those of another job
// success: a mark of another job
// control: none: cells serve one job
// times: 6
const places = [globalThis, Object.prototype, Array.prototype, Promise, console, sodium, crypto, TextEncoder.prototype, Symbol, Math];
const found = places.filter((p) => p.isolane_mark !== undefined);
for (const p of places) try { p.isolane_mark = job.id; } catch { /* frozen */ }
console.time('isolane-mark');
export default found.length || Symbol.keyFor(Symbol.for('x')) !== 'x' ? escaped(found.length) : held('nothing was left');
