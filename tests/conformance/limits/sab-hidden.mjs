// Behaviour: without the permission there is no SharedArrayBuffer
// Spec: docs/protocol.md, Job, permissions
// Job: {"permissions":{"sab":false}}
// Expect: value "undefined"
export default typeof SharedArrayBuffer;
