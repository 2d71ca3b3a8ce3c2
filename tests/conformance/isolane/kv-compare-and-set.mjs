// Behaviour: kv writes only over the revision that was read
// Spec: docs/scripts.md, kv
// Covers: kv
// Job: {"permissions":{"kv":true}}
// Expect: value "Conflict"
await kv.delete('conf/cas'); const revision = await kv.put('conf/cas', 1); await kv.put('conf/cas', 2, { revision });
export default await kv.put('conf/cas', 3, { revision }).then(() => 'written', (e) => e.name);
