// Behaviour: a TransformStream changes chunks, and flushes
// Spec: Streams, TransformStream
// Covers: TransformStream, TransformStreamDefaultController
// Expect: value [2,4,"end"]
const twice = new TransformStream({ transform(n, c) { if (!(c instanceof TransformStreamDefaultController)) throw 1; c.enqueue(2 * n); }, flush(c) { c.enqueue('end'); } });
export default await Array.fromAsync(ReadableStream.from([1, 2]).pipeThrough(twice));
