// Behaviour: a WeakRef holds its target for the turn
// Spec: ECMAScript, WeakRef
// Expect: value true
const o = {}; export default new WeakRef(o).deref() === o;
