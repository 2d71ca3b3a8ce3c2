// Behaviour: microtasks, then timers by due time, immediates behind
// Spec: docs/scripts.md, Timers
// Covers: setTimeout, setImmediate, queueMicrotask
// Expect: value ["micro","t0","t1","immediate","t5"]
const seen = [];
const last = new Promise((done) => setTimeout(() => done(seen.push('t5')), 300));
setTimeout(() => seen.push('t0'));
setTimeout(() => seen.push('t1'), 1);
queueMicrotask(() => seen.push('micro'));
const until = performance.now() + 4; while (performance.now() < until);
setImmediate(() => seen.push('immediate'));
await last;
export default seen;
