// Behaviour: what is cleared does not run
// Spec: HTML, timers
// Covers: clearTimeout, clearImmediate, setImmediate
// Expect: value []
const seen = [];
clearTimeout(setTimeout(() => seen.push(1), 1)); clearImmediate(setImmediate(() => seen.push(2)));
await new Promise((done) => setTimeout(done, 8));
export default seen;
