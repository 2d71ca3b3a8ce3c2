// Behaviour: types are imported as types, values from .ts
// Spec: docs/scripts.md, TypeScript
// Expect: value 2
import { type N, two } from './n.ts';
const n: N = two;
export default n;
