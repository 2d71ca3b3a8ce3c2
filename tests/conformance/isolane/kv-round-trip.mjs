// Behaviour: kv keeps JSON and bytes
// Spec: docs/scripts.md, kv
// Covers: kv
// Job: {"permissions":{"kv":true}}
// Expect: value [{"a":1},[1,2],"undefined"]
await kv.put('conf/json', { a: 1 }); await kv.put('conf/bytes', new Uint8Array([1, 2]));
export default [await kv.get('conf/json'), [...await kv.get('conf/bytes', { type: 'bytes' })], typeof await kv.get('conf/none')];
