// layer: isolate
// attack: prints proxies and objects with hooks, and keeps what the printing code hands to traps
// success: a trap or a hook is handed something that has functions of the engine
// control: none: needs a built-in that fails
const handed = [];
const keep = (...args) => { handed.push(...args); };
const spy = new Proxy({}, { get(t, k, r) { keep(k, r); return Reflect.get(t, k); }, ownKeys(t) { keep(t); return ['a']; }, getOwnPropertyDescriptor() { return { value: 1, configurable: true, enumerable: true }; }, getPrototypeOf() { keep('proto'); return Array.prototype; } });
console.log('%o %O %s %j', spy, spy, spy, spy);
console.log({ [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) { keep(options, inspect, this); return spy; }, spy });
console.table?.([spy]);
const bad = handed.filter((x) => x && typeof x === 'object' && ['arm', 'note', 'drain', 'proxyParts', 'preview'].some((k) => typeof Reflect.get(x, k) === 'function'));
export default bad.length ? escaped('an inner object') : held(`${handed.length} things, all harmless`);
