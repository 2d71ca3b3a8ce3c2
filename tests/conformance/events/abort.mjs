// Behaviour: abort gives its reason, once
// Spec: DOM, AbortController
// Covers: AbortController
// Expect: value [true,"why",1]
const c = new AbortController(); let n = 0;
c.signal.addEventListener('abort', () => n++);
c.abort('why'); c.abort('again');
export default [c.signal.aborted, c.signal.reason, n];
