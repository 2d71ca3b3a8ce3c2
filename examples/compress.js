// Streams from end to end: lines are made as they are asked for, counted on the way, compressed, and read back; nothing
// holds all of them at once.
//   isolane run examples/compress.js --input 20000
const count = job.input ?? 20000;

function* lines() {
  for (let i = 0; i < count; i++) yield `${i},${(i * 7919) % 1000}\n`;
}
const counting = (name) => {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      controller.enqueue(chunk);
    },
    flush() {
      sizes[name] = bytes;
    },
  });
};
const sizes = {};
const text = ReadableStream.from(lines())
  .pipeThrough(new TextEncoderStream())
  .pipeThrough(counting('plain'))
  .pipeThrough(new CompressionStream('gzip'))
  .pipeThrough(counting('gzip'))
  .pipeThrough(new DecompressionStream('gzip'))
  .pipeThrough(new TextDecoderStream());

let found = 0;
for await (const piece of text) for (const c of piece) if (c === '\n') found++;
console.log(`${sizes.plain} bytes became ${sizes.gzip}`);
export default { lines: found, smaller: sizes.gzip * 2 < sizes.plain };
