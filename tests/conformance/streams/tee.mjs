// Behaviour: tee gives two streams of the same chunks
// Spec: Streams, tee
// Covers: ReadableStream
// Expect: value [[1,2],[1,2]]
const [a, b] = ReadableStream.from([1, 2]).tee();
export default await Promise.all([Array.fromAsync(a), Array.fromAsync(b)]);
