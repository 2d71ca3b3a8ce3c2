// Behaviour: pull comes by demand
// Spec: Streams, ReadableStream
// Covers: ReadableStream, CountQueuingStrategy
// Expect: value [1,2]
let n = 0; const s = new ReadableStream({ pull(c) { c.enqueue(++n); } }, new CountQueuingStrategy({ highWaterMark: 0 }));
const r = s.getReader(); const first = (await r.read()).value; await r.read();
export default [first, n];
