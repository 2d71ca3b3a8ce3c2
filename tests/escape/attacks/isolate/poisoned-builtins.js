// layer: isolate
// attack: replaces what built-ins could call (prototypes, iterators, setters of Object.prototype) and waits to be handed their inner objects
// success: a replaced function is called with an object that holds functions of the engine
// reference: DESIGN 2.3 of "SES": override mistakes
// control: none: needs a built-in that fails
const stolen = [];
const note = (x) => { if (x !== null && typeof x === 'object') for (const k of ['arm', 'note', 'drain', 'write', 'call', 'clone', 'utf8Length', 'begin', 'runTimers', 'reply']) if (typeof x[k] === 'function' && x !== globalThis.console && x !== globalThis.__native) stolen.push(k); };
const { log } = console, { stringify } = JSON, { apply } = Reflect;
for (const holder of [Array.prototype, Map.prototype, Set.prototype, Promise.prototype, String.prototype, RegExp.prototype, Function.prototype, Object.prototype, Object, Reflect, JSON]) {
    for (const key of Object.getOwnPropertyNames(holder)) {
        const d = Object.getOwnPropertyDescriptor(holder, key);
        if (typeof d.value !== 'function' || key === 'constructor' || !d.configurable || key === 'toString') continue;
        const { value } = d;
        Object.getOwnPropertyDescriptor; // kept above
        try { holder[key] = function (...args) { if (!note.busy) { note.busy = true; note(this); for (let i = 0; i < args.length; i++) note(args[i]); note.busy = false; } return apply(value, this, args); }; } catch { /* fixed */ }
    }
}
for (const key of ['arm', 'call', 'write', 'value', 'get', 'id', 'input', 'native']) try { Reflect.defineProperty(Object.prototype, key, { set(v) { note(this); note(v); }, get() { return undefined; }, configurable: true }); } catch { /* fixed */ }
log({ a: [1, { b: new Map([[1, new Set([2])]]) }], e: new Error('x') });
setTimeout(() => {}, 0);
try { structuredClone({ a: 1 }); new TextEncoder().encode('x'); job.progress(0.5); crypto.randomUUID(); } catch { /* a broken language breaks them: not our concern */ }
export default stolen.length ? { escaped: true, what: `${stolen}` } : { escaped: false, why: 'nothing was handed out' };
