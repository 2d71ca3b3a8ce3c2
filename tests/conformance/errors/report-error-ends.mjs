// Behaviour: reportError ends the job when nobody prevents it
// Spec: docs/scripts.md, Events, signals, uncaught errors
// Expect: error Error /^nobody prevents$/
reportError(new Error('nobody prevents'));
await new Promise((done) => setTimeout(done, 20));
