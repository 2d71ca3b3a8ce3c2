// Behaviour: a listener goes with its signal
// Spec: DOM, addEventListener
// Expect: value 1
let n = 0; const target = new EventTarget(), c = new AbortController();
target.addEventListener('x', () => n++, { signal: c.signal });
target.dispatchEvent(new Event('x')); c.abort(); target.dispatchEvent(new Event('x'));
export default n;
