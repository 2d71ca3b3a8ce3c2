// Behaviour: damaged data breaks the stream
// Spec: Compression, DecompressionStream
// Covers: DecompressionStream
// Expect: value "TypeError"
const s = new Blob([new Uint8Array([31, 139, 8, 0, 1, 2, 3])]).stream().pipeThrough(new DecompressionStream('gzip'));
export default await new Response(s).text().catch((e) => e.name);
