// Behaviour: a throw in a microtask is uncaught
// Spec: HTML, queueMicrotask
// Covers: queueMicrotask
// Expect: error Error /^in a microtask$/
queueMicrotask(() => { throw new Error('in a microtask'); });
await new Promise((done) => setTimeout(done, 20));
