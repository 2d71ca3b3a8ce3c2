// layer: isolate
// attack: setters on Object.prototype and Array.prototype wait for the parsing of job.input and job.env
// success: one is called, or a member of the input lands on a prototype
// control: none: needs a parser that assigns
let called = 0;
for (const key of ['target', 'nr', 'folder', '0', 'length']) try { Object.defineProperty(Object.prototype, key, { set() { called++; }, configurable: true }); } catch { /* fixed */ }
void job.env;
const parsed = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 2}}}');
export default called || {}.polluted || !Object.hasOwn(parsed, '__proto__') ? { escaped: true, what: `${called}` } : { escaped: false, why: 'own properties only' };
