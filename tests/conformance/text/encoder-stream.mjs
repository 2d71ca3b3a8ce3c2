// Behaviour: TextEncoderStream joins halves of a pair
// Spec: Encoding, TextEncoderStream
// Covers: TextEncoderStream
// Expect: value [240,159,152,128]
const s = new ReadableStream({ start(c) { c.enqueue('\ud83d'); c.enqueue('\ude00'); c.close(); } }).pipeThrough(new TextEncoderStream());
export default (await Array.fromAsync(s)).flatMap((b) => [...b]);
