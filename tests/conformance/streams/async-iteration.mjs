// Behaviour: a ReadableStream is iterated, and from() makes one
// Spec: Streams, async iteration
// Covers: ReadableStream
// Expect: value [[1,2],[3,4]]
const own = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); c.close(); } });
export default [await Array.fromAsync(own), await Array.fromAsync(ReadableStream.from([3, 4]))];
