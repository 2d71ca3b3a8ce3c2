// Behaviour: microtasks, then timers by due time, immediates behind
// Spec: docs/scripts.md, Timers
// Covers: setTimeout, setImmediate, queueMicrotask
// Expect: value ["micro","t0","t1","immediate","t5"]
const seen = [];
setTimeout(() => seen.push('t0'));
setTimeout(() => seen.push('t1'), 1);
queueMicrotask(() => seen.push('micro'));
const until = performance.now() + 4; while (performance.now() < until);
await new Promise((done) => setImmediate(() => { seen.push('immediate'); setTimeout(() => done(seen.push('t5')), 5); }));
export default seen;
