// Behaviour: require of an ES module gives its namespace
// Spec: docs/scripts.md, Modules, CommonJS
// Expect: value [3,true]
import c from './c.cjs';
export default c;
