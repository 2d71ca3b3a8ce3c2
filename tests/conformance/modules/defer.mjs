// Behaviour: import defer is refused
// Spec: docs/scripts.md, Modules
// Expect: error SyntaxError /./
import defer * as ns from 'data:text/javascript,';
export default ns;
