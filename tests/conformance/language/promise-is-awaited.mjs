// Behaviour: a default export that is a promise is awaited
// Spec: docs/scripts.md, the job's value
// Expect: value "late"
export default new Promise((done) => setTimeout(done, 2, 'late'));
