// Behaviour: kv lists keys by prefix, sorted
// Spec: docs/scripts.md, kv
// Covers: kv
// Job: {"permissions":{"kv":true}}
// Expect: value [["list/a","list/b"],true]
await kv.put('list/b', 1); await kv.put('list/a', 1); await kv.put('other/x', 1);
const { keys, complete } = await kv.list({ prefix: 'list/' });
export default [keys, complete];
