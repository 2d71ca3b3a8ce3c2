// Behaviour: a package's browser field replaces a file, false empties one
// Spec: package-browser-field-spec
// Expect: value ["web",{}]
import p from 'p';
export default p;
