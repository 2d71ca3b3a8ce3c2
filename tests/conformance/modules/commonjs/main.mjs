// Behaviour: CommonJS is imported with the names its text tells
// Spec: docs/scripts.md, Modules, CommonJS
// Expect: value [1,2,1]
import all, { a, b } from './c.cjs';
export default [a, b, all.a];
