// Behaviour: text streams cut at no character
// Spec: Encoding, streams
// Covers: TextDecoderStream
// Expect: value "äö"
const bytes = new TextEncoder().encode('äö');
const cut = new ReadableStream({ start(c) { for (const b of bytes) c.enqueue(new Uint8Array([b])); c.close(); } });
let s = ''; for await (const t of cut.pipeThrough(new TextDecoderStream())) s += t;
export default s;
