// Behaviour: AbortSignal.timeout aborts with a TimeoutError
// Spec: DOM, AbortSignal.timeout
// Covers: AbortSignal
// Expect: value "TimeoutError"
const s = AbortSignal.timeout(2);
export default await new Promise((done) => s.addEventListener('abort', () => done(s.reason.name)));
