// Behaviour: the global object is a target
// Spec: docs/scripts.md, Events, signals, uncaught errors
// Covers: addEventListener, removeEventListener, dispatchEvent
// Expect: value ["hello",1]
let n = 0, type; const f = (e) => { n++; type = e.type; };
addEventListener('hello', f); dispatchEvent(new Event('hello'));
removeEventListener('hello', f); dispatchEvent(new Event('hello'));
export default [type, n];
