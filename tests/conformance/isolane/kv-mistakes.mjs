// Behaviour: kv refuses what would be kept as something else, and options that it does not know
// Spec: docs/scripts.md, kv
// Job: {"permissions":{"kv":true}}
// Expect: value ["InvalidArgument: kv.put: options: unknown option 'ttl'; allowed: revision, ttlMs","InvalidArgument: kv.put: value: found a Blob or a body; allowed: what JSON can hold, or bytes (await value.bytes())","InvalidArgument: kv.put: value: JSON cannot hold it: Do not know how to serialize a BigInt","InvalidArgument: kv.list: options: unknown option 'pre'; allowed: prefix, limit",null]
const why = (promise) => promise.then(() => null, (error) => `${error.name}: ${error.message}`);
export default [
  await why(kv.put('mistake', 1, { ttl: 5000 })),
  await why(kv.put('mistake', new Blob(['text']))),
  await why(kv.put('mistake', 1n)),
  await why(kv.list({ pre: 'm' })),
  (await kv.get('mistake')) ?? null,
];
