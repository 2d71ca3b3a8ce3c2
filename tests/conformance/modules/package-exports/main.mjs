// Behaviour: a package's exports are resolved by condition
// Spec: Node.js, packages
// Expect: value ["worker","ERR_PACKAGE_PATH_NOT_EXPORTED"]
import p from 'p';
export default [p, await import('p/inner.js').catch((e) => e.code)];
