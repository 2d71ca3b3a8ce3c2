// Behaviour: eval works with the permission
// Spec: docs/protocol.md, Job, permissions
// Job: {"permissions":{"eval":true}}
// Expect: value 3
export default (0, eval)('1 + 2');
