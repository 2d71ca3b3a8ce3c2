// Behaviour: kv needs its permission
// Spec: docs/scripts.md, kv
// Covers: kv
// Job: {"permissions":{"kv":false}}
// Expect: value "PermissionDenied"
export default await kv.get('a').then(() => 'got', (e) => e.name);
