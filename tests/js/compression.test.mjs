// CompressionStream and DecompressionStream: as in Node; what they take counts against the job's budgets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { both } from './both.mjs';
import { runCases, runJob } from './shell.mjs';

const helpers = `
  const whole = async (s) => { const all = []; for await (const x of s) all.push(...x); return new Uint8Array(all); };
  const through = (t, ...chunks) => whole(ReadableStream.from(chunks).pipeThrough(t));
  const pack = (f, ...c) => through(new CompressionStream(f), ...c), unpack = (f, ...c) => through(new DecompressionStream(f), ...c);
  const text = (u) => new TextDecoder().decode(u), bytes = (s) => new TextEncoder().encode(s);
  const b64 = (s) => Uint8Array.fromBase64(s);
`;
const gz = zlib.gzipSync('hello hello hello').toString('base64');
const raw = zlib.deflateRawSync('raw').toString('base64');

both(Object.fromEntries(Object.entries({
  'there and back': `for (const f of ['gzip', 'deflate', 'deflate-raw']) {
    const long = bytes('abc'.repeat(100000)); const packed = await pack(f, long, bytes('end'));
    show(f, packed.length < 2000, text(await unpack(f, packed)) === text(long) + 'end', (await unpack(f, await pack(f))).length); }`,
  'brotli there and back': `const packed = await pack('brotli', bytes('x'.repeat(50000))); show(packed.length < 200, (await unpack('brotli', packed)).length);`,
  'byte by byte': `show(text(await unpack('gzip', ...[...b64('${gz}')].map((b) => new Uint8Array([b])))), text(await unpack('deflate-raw', b64('${raw}'))));`,
  'buffers, views, and nothing else': `const b = b64('${gz}');
    show(text(await unpack('gzip', b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength))), text(await unpack('gzip', new DataView(b.buffer, b.byteOffset, b.byteLength))));
    show(await failure(() => unpack('gzip', null)), await failure(() => unpack('gzip', [1, 2])));`,
  'wrong input is a TypeError': `const b = b64('${gz}'); const bad = b.slice(); bad[bad.length - 5] ^= 1;
    show(await failure(() => unpack('gzip', bytes('not gzip at all'))), await failure(() => unpack('gzip', b.slice(0, -1))), await failure(() => unpack('gzip', bad)),
      await failure(() => unpack('gzip')), await failure(() => unpack('gzip', b, bytes('more'))), await failure(() => unpack('deflate', b)),
      await failure(() => unpack('gzip', new Uint8Array([...b, 1]))));`,
  'formats and shapes': `show(await failure(() => new CompressionStream('lzw')), await failure(() => new DecompressionStream()), await failure(() => CompressionStream('gzip')),
    CompressionStream.length, Object.keys(DecompressionStream.prototype).sort(), Object.prototype.toString.call(new CompressionStream('gzip')));`,
}).map(([name, body]) => [name, helpers + body])));

test('a decompression bomb ends as the memory budget', () => {
  const bomb = zlib.brotliCompressSync(Buffer.alloc(256 << 20)).toString('base64');
  const { end, stdout } = runJob(`
    const all = [];
    console.log('begins');
    for await (const x of ReadableStream.from([Uint8Array.fromBase64(job.input)]).pipeThrough(new DecompressionStream('brotli'))) all.push(x);
    console.log('through');`, '--input', JSON.stringify(bomb), '--memory-mb', '64');
  assert.equal(end, 'memory');
  assert.equal(stdout, 'begins\n');
});

test('what a compressor holds counts, and is given back', () => {
  const found = runCases(`
    for (let i = 0; i < 3000; i++) { // 270 kB each, were they not given back
      const c = new CompressionStream('gzip'); const w = c.writable.getWriter();
      w.write(new Uint8Array(10)); w.close();
      for await (const x of c.readable);
    }
    show('through', true);`, '--memory-mb', '64');
  assert.equal(found.through, true);
  const { end } = runJob(`
    const held = [];
    for (let i = 0; i < 3000; i++) { const c = new CompressionStream('gzip'); const w = c.writable.getWriter(); c.readable.getReader().read(); await w.write(new Uint8Array(10)); held.push(c); }`,
  '--memory-mb', '64');
  assert.equal(end, 'memory');
});

test('text is no chunk of bytes', () => { // Node takes it
  const found = runCases(`
    const t = new CompressionStream('gzip'); t.readable.getReader().read().catch(() => {});
    await ReadableStream.from(['text']).pipeTo(t.writable).catch((e) => show('error', e.name));`);
  assert.equal(found.error, 'TypeError');
});
