// Behaviour: a module is evaluated once, a query makes another instance
// Spec: ECMAScript, HostLoadImportedModule
// Expect: value [1,2]
import { n as one } from './n.mjs'; import { n as same } from '/n.mjs'; import { n as other } from './n.mjs?x';
export default [one === same ? one : 0, other];
