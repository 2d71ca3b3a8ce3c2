// Behaviour: onerror is told of what nobody caught, and can have it handled
// Spec: docs/scripts.md, Events, signals, uncaught errors
// Covers: onerror, self
// Expect: value ["Uncaught Error: lost",true]
const seen = [];
self.onerror = (message, file, line, column, error) => { seen.push(message, error instanceof Error); return true; };
setTimeout(() => { throw new Error('lost'); }, 1);
await new Promise((done) => setTimeout(done, 10));
export default seen;
