// Behaviour: a WritableStream takes chunks in order and says when there is room
// Spec: Streams, WritableStream
// Covers: WritableStream, WritableStreamDefaultWriter
// Expect: value [[1,2],true,0]
const got = []; const s = new WritableStream({ async write(c) { await null; got.push(c); } });
const w = s.getWriter(); w.write(1); const room = w.desiredSize; await w.write(2); await w.close();
export default [got, w instanceof WritableStreamDefaultWriter, room];
