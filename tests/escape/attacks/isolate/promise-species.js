// layer: isolate
// attack: replaces Promise.prototype.then and the species of promises, to be handed the built-ins' own promises
// success: a promise that the script did not make
// control: none: needs a built-in that fails
const mine = new WeakSet(), strangers = [];
const { then } = Promise.prototype;
Promise.prototype.then = function (...args) { if (!mine.has(this)) strangers.push(this); return Reflect.apply(then, this, args); };
Object.defineProperty(Promise, Symbol.species, { get() { return function (run) { const p = new Promise(run); mine.add(p); return p; }; } });
job.progress(0.5);
setTimeout(() => {}, 0);
queueMicrotask(() => {});
Promise.prototype.then = then;
export default strangers.length ? { escaped: true, what: `${strangers.length}` } : { escaped: false, why: 'none' };
