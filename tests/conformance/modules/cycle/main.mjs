// Behaviour: modules in a cycle see each other's live bindings
// Spec: ECMAScript, Cyclic Module Records
// Expect: value ["a","b"]
import { a, both } from './a.mjs';
export default both();
