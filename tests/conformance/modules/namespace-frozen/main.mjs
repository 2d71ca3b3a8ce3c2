// Behaviour: a namespace is sealed, sorted and has no prototype
// Spec: ECMAScript, Module Namespace Exotic Objects
// Expect: value [["a","b"],null,"TypeError","Module"]
import * as ns from './m.mjs';
let name; try { ns.a = 2; } catch (e) { name = e.name; }
export default [Object.keys(ns), Object.getPrototypeOf(ns), name, ns[Symbol.toStringTag]];
