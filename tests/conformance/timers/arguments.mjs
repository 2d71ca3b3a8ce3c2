// Behaviour: timers pass arguments on
// Spec: HTML, timers
// Covers: setTimeout
// Expect: value [1,"b"]
export default await new Promise((done) => setTimeout((...a) => done(a), 1, 1, 'b'));
