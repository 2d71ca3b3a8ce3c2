// kv: what jobs of a tenant share. A counter that many jobs may raise at once, by compare-and-set; a note that goes by
// itself after an hour.
//   isolane run examples/counter.js --allow kv
async function raise(key, by) {
  for (;;) {
    const seen = await kv.entry(key);
    const value = (seen?.value ?? 0) + by;
    try {
      await kv.put(key, value, { revision: seen?.revision ?? 0 }); // only over what was read
      return value;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error; // somebody was quicker: once more
    }
  }
}
const before = (await kv.get('example/count')) ?? 0;
await Promise.all([1, 2, 3].map((n) => raise('example/count', n)));
await kv.put('example/last', { by: job.id }, { ttlMs: 3_600_000 });
export default { raised: (await kv.get('example/count')) - before, keys: (await kv.list({ prefix: 'example/' })).keys };
