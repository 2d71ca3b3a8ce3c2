// Behaviour: listeners run in order, once runs once, removed ones do not
// Spec: DOM, EventTarget
// Covers: EventTarget, Event
// Expect: value ["a","b","a"]
const seen = [], target = new EventTarget(), c = () => seen.push('c');
target.addEventListener('x', () => seen.push('a'));
target.addEventListener('x', () => seen.push('b'), { once: true });
target.addEventListener('x', c); target.removeEventListener('x', c);
target.dispatchEvent(new Event('x')); target.dispatchEvent(new Event('x'));
export default seen;
