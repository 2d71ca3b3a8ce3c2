// Behaviour: an export that is not there is a SyntaxError
// Spec: ECMAScript, ResolveExport
// Expect: error SyntaxError /does not provide an export named 'nope'/
import { nope } from './a.mjs';
export default nope;
