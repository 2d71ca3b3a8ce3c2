// Behaviour: #names are the package's own
// Spec: Node.js, subpath imports
// Expect: value "mine"
import x from '#x';
export default x;
