// Behaviour: a rejection that nobody handles ends the job
// Spec: docs/scripts.md, first lines
// Expect: error TypeError /^nobody$/
Promise.reject(new TypeError('nobody'));
await new Promise((done) => setTimeout(done, 50));
