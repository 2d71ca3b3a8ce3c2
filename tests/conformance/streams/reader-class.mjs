// Behaviour: readers can be made of a stream, which is locked then
// Spec: Streams, readers
// Covers: ReadableStreamDefaultReader
// Expect: value [true,true,"TypeError"]
const s = new ReadableStream(); const r = new ReadableStreamDefaultReader(s);
let again; try { s.getReader(); } catch (e) { again = e.name; }
export default [s.locked, r instanceof ReadableStreamDefaultReader, again];
