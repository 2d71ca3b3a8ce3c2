// Behaviour: a job without secrets has no names of any
// Spec: docs/scripts.md, secrets
// Covers: secrets
// Expect: value [[],true]
export default [secrets.names, Object.isFrozen(secrets.names)];
