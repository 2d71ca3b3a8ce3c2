// Behaviour: leaving the loop cancels the stream
// Spec: Streams, async iteration
// Expect: value [1,true]
let cancelled = false, first; const s = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); }, cancel() { cancelled = true; } });
for await (const n of s) { first = n; break; }
export default [first, cancelled];
