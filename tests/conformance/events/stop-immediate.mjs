// Behaviour: stopImmediatePropagation ends it
// Spec: DOM, Event
// Expect: value 1
let n = 0; const target = new EventTarget();
target.addEventListener('x', (e) => { n++; e.stopImmediatePropagation(); });
target.addEventListener('x', () => n++);
target.dispatchEvent(new Event('x'));
export default n;
