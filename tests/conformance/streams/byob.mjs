// Behaviour: bytes are read into a buffer of one's own
// Spec: Streams, BYOB
// Covers: ReadableStreamBYOBReader, ReadableStreamBYOBRequest, ReadableByteStreamController
// Expect: value [[1,2,0],true,3]
let size; const s = new ReadableStream({ type: 'bytes', pull(c) { size = c.byobRequest.view.byteLength; if (!(c.byobRequest instanceof ReadableStreamBYOBRequest && c instanceof ReadableByteStreamController)) throw 1; c.byobRequest.view.set([1, 2]); c.byobRequest.respond(2); } });
const r = s.getReader({ mode: 'byob' }); const { value } = await r.read(new Uint8Array(3));
export default [[...new Uint8Array(value.buffer)], r instanceof ReadableStreamBYOBReader, size];
