// Behaviour: a listener that throws does not stop the others
// Spec: DOM, inner invoke
// Covers: onerror
// Expect: value ["second","Uncaught Error: first"]
const seen = [], target = new EventTarget();
onerror = (m) => { seen.push(m); return true; };
target.addEventListener('x', () => { throw new Error('first'); });
target.addEventListener('x', () => seen.push('second'));
target.dispatchEvent(new Event('x'));
export default seen.sort((a, b) => a.length - b.length);
