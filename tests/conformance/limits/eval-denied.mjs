// Behaviour: eval needs the permission
// Spec: docs/protocol.md, Job, permissions
// Job: {"permissions":{"eval":false}}
// Expect: error EvalError /^Code generation from strings .* is not allowed for this job$/
eval('1');
