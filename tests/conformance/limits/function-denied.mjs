// Behaviour: new Function needs the permission
// Spec: docs/protocol.md, Job, permissions
// Job: {"permissions":{"eval":false}}
// Expect: error EvalError /not allowed for this job/
new Function('return 1');
