// Behaviour: gzip, deflate, deflate-raw and brotli go both ways
// Spec: Compression
// Covers: CompressionStream, DecompressionStream
// Expect: value [true,true,true,true]
const text = 'text '.repeat(1000); const out = [];
for (const f of ['gzip', 'deflate', 'deflate-raw', 'brotli']) { const small = await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream(f))).blob(); out.push(small.size < 200 && (await new Response(small.stream().pipeThrough(new DecompressionStream(f))).text()) === text); }
export default out;
