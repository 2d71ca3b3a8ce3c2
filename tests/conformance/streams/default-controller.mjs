// Behaviour: the controller tells how much is wanted, and breaks the stream
// Spec: Streams, ReadableStreamDefaultController
// Covers: ReadableStreamDefaultController
// Expect: value [2,true,"broken"]
let size, is; const s = new ReadableStream({ start(c) { size = c.desiredSize; is = c instanceof ReadableStreamDefaultController; c.error('broken'); } }, { highWaterMark: 2 });
export default [size, is, await s.getReader().read().catch((e) => e)];
