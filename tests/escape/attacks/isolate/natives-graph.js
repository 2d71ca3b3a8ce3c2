// layer: isolate
// attack: walks everything that can be reached from the global object, its accessors and prototypes included, for functions of the engine that scripts must not have
// success: a function that only built-ins call (timers, host calls, output) is found
// control: none: there is no build that gives them
const wanted = /^(arm|drain|note|call|write|now|time|clone|utf8Length|encodeInto|decode|beginJob|runTimers|prepareStack|signatures)$/;
const allowed = new Set([Function.prototype.call, Date.now, performance.now, TextEncoder.prototype.encodeInto, TextDecoder.prototype.decode, console.time]);
const seen = new Set(), found = [];
const queue = [globalThis, Object.getPrototypeOf(async () => {}), Object.getPrototypeOf(function* () {}), Object.getPrototypeOf(async function* () {}), [][Symbol.iterator](), new Map().entries(), new Set().values(), ''[Symbol.iterator](), import.meta];
for (let x = queue.pop(); x !== undefined; x = queue.pop()) {
    if (x === null || (typeof x !== 'object' && typeof x !== 'function') || seen.has(x)) continue;
    seen.add(x);
    if (typeof x === 'function' && wanted.test(x.name) && !allowed.has(x) && String(x).includes('[native code]')) found.push(x.name);
    queue.push(Object.getPrototypeOf(x));
    for (const key of Reflect.ownKeys(x)) {
        const d = Reflect.getOwnPropertyDescriptor(x, key);
        queue.push(d.value, d.get, d.set);
        if (d.get) try { queue.push(Reflect.apply(d.get, x, [])); } catch { /* not its receiver */ }
    }
    if (x === globalThis.__native) seen.delete(x);
}
const outside = found.filter((name) => !(globalThis.__native && ['write'].includes(name)) && !(Atomics[name] || console[name]));
export default outside.length ? escaped(outside) : held(`${seen.size} objects`);
