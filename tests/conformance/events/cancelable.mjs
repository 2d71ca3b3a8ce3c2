// Behaviour: dispatchEvent says whether the default was prevented
// Spec: DOM, dispatch
// Covers: EventTarget
// Expect: value [false,true]
const target = new EventTarget();
target.addEventListener('x', (e) => e.preventDefault());
export default [target.dispatchEvent(new Event('x', { cancelable: true })), target.dispatchEvent(new Event('x'))];
