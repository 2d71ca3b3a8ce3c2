// Streams, and streams of text: as in Node. What the suite of web platform tests covers is left to it; here
// are the ways in which scripts use them, and what is ours (text streams, inspection, laziness).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { both } from './both.mjs';
import { runJob } from './shell.mjs';

both({
  'a stream is read to its end': `
    const s = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue('two'); c.close(); } });
    const r = s.getReader();
    show(await r.read(), await r.read(), await r.read(), s.locked); r.releaseLock(); show(s.locked);`,
  'for await, break cancels': `
    let cancelled; let n = 0;
    const s = new ReadableStream({ pull(c) { c.enqueue(n++); }, cancel(why) { cancelled = 'yes ' + why; } });
    for await (const x of s) if (x === 3) break;
    show(cancelled, s.locked);
    const t = new ReadableStream({ pull(c) { c.enqueue(n++); }, cancel() { cancelled = 'again'; } });
    for await (const x of t.values({ preventCancel: true })) break;
    show(cancelled, t.locked);`,
  'byte streams fill what a reader brings': `
    const s = new ReadableStream({ type: 'bytes', autoAllocateChunkSize: 4,
      pull(c) { const v = c.byobRequest.view; show(v.byteLength); new Uint8Array(v.buffer, v.byteOffset)[0] = 7; c.byobRequest.respond(1); } });
    const r = s.getReader({ mode: 'byob' });
    show((await r.read(new Uint8Array(3))).value); r.releaseLock();
    const d = s.getReader(); show((await d.read()).value);`,
  'byob read with min': `
    let n = 0;
    const s = new ReadableStream({ type: 'bytes', pull(c) { c.enqueue(new Uint8Array([n++, n++])); if (n > 8) c.close(); } });
    const r = s.getReader({ mode: 'byob' });
    show((await r.read(new Uint8Array(8), { min: 5 })).value);`,
  'tee': `
    const [a, b] = ReadableStream.from(['x', 'y']).tee();
    show(await Array.fromAsync(a), await Array.fromAsync(b));`,
  'from an async iterable, errors included': `
    async function* g() { yield 1; throw new RangeError('gone'); }
    const r = ReadableStream.from(g()).getReader();
    show(await r.read(), await failure(() => r.read()), await failure(() => r.closed));`,
  'backpressure of a writable': `
    const log = []; let go;
    const w = new WritableStream({ write(x) { log.push(x); return new Promise((f) => { go = f; }); } }, new CountQueuingStrategy({ highWaterMark: 2 }));
    const wr = w.getWriter();
    await wr.ready; show(wr.desiredSize); wr.write('a'); wr.write('b'); show(wr.desiredSize);
    await Promise.resolve(); go(); await wr.ready; show(wr.desiredSize, log);`,
  'abort and error of a writable': `
    let why; const w = new WritableStream({ abort(e) { why = e; } });
    const wr = w.getWriter(); await wr.abort(new TypeError('stop'));
    show(why, await failure(() => wr.write(1)), await failure(() => wr.closed));`,
  'pipes through a transform': `
    const upper = new TransformStream({ transform(x, c) { c.enqueue(x.toUpperCase()); c.enqueue('-'); }, flush(c) { c.enqueue('end'); } });
    show((await Array.fromAsync(ReadableStream.from(['a', 'b']).pipeThrough(upper))).join(''));`,
  'an error goes through a pipe both ways': `
    let cancelled;
    const s = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(e) { cancelled = e; } });
    const w = new WritableStream({ write() { throw new RangeError('full'); } });
    show(await failure(() => s.pipeTo(w)), cancelled);
    const bad = new ReadableStream({ start(c) { c.error(new TypeError('bad')); } });
    let aborted; show(await failure(() => bad.pipeTo(new WritableStream({ abort(e) { aborted = e; } }))), aborted);`,
  'a transform that terminates or is cancelled': `
    const t = new TransformStream({ transform(x, c) { c.enqueue(x); c.terminate(); } });
    const w = t.writable.getWriter(); w.closed.catch(() => {}); w.write(1).catch(() => {});
    show(await Array.fromAsync(t.readable), await failure(() => w.write(2)));
    let c; const u = new TransformStream({ cancel(e) { c = e; } }); await u.readable.cancel('enough'); show(c);`,
  'strategies': `
    show(new ByteLengthQueuingStrategy({ highWaterMark: 5 }).size({ byteLength: 3 }), new CountQueuingStrategy({ highWaterMark: 5 }).size(),
      await failure(() => new CountQueuingStrategy()), await failure(() => new ReadableStream({}, { highWaterMark: -1 })));`,
  'wrong use': `
    const s = new ReadableStream(); s.getReader();
    show(await failure(() => s.getReader()), await failure(() => s.cancel()), await failure(() => s.getReader({ mode: 'x' })),
      await failure(() => new ReadableStreamDefaultController()), await failure(() => ReadableStream.prototype.getReader.call({})),
      await failure(() => new ReadableStream({ type: 'text' })));`,
  'text to bytes, a surrogate pair over two chunks': `
    const bytes = await Array.fromAsync(ReadableStream.from(['a', '', '\\ud83d', '\\ude00b', '\\ud800', 'c', '\\ud83d']).pipeThrough(new TextEncoderStream()));
    show(bytes, new TextEncoderStream().encoding);`,
  'bytes to text, characters over chunks': `
    const bytes = [[0xef, 0xbb], [0xbf, 97, 0xf0], [0x9f], [0x98, 0x80], [0xe2]].map((x) => new Uint8Array(x));
    show((await Array.fromAsync(ReadableStream.from(bytes).pipeThrough(new TextDecoderStream()))).join('|'));
    show((await Array.fromAsync(ReadableStream.from([new Uint8Array([97, 0, 98]), new Uint8Array([0]).buffer]).pipeThrough(new TextDecoderStream('utf-16le')))).join(''));`,
  'malformed text is an error when asked for': `
    show(await failure(() => Array.fromAsync(ReadableStream.from([new Uint8Array([0xff])]).pipeThrough(new TextDecoderStream('utf-8', { fatal: true })))),
      await failure(() => Array.fromAsync(ReadableStream.from([new Uint8Array([0xe2])]).pipeThrough(new TextDecoderStream('utf-8', { fatal: true })))),
      await failure(() => Array.fromAsync(ReadableStream.from(['text']).pipeThrough(new TextDecoderStream()))),
      await failure(() => new TextDecoderStream('nothing')));
    const d = new TextDecoderStream('utf-8', { fatal: true, ignoreBOM: true }); show(d.encoding, d.fatal, d.ignoreBOM);`,
  'shapes': `
    for (const name of ['ReadableStream', 'WritableStream', 'TransformStream', 'TextEncoderStream', 'TextDecoderStream', 'CountQueuingStrategy'])
      show(name, globalThis[name].length, name.startsWith('Text') || Object.prototype.toString.call(globalThis[name].prototype),
        Object.keys(globalThis[name].prototype).sort());
    show(Object.getOwnPropertyNames(Object.getPrototypeOf(new ReadableStream().values())).sort());
    show(Object.getPrototypeOf(Object.getPrototypeOf(new ReadableStream().values())) === Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype)));`,
});

test('what console shows of a stream is its state', () => {
  const { stdout } = runJob(`console.log(new ReadableStream(), new ReadableStream({ type: 'bytes' }), new WritableStream(), new CountQueuingStrategy({ highWaterMark: 1 }));`);
  assert.equal(stdout, 'ReadableStream { locked: false, state: \'readable\', supportsBYOB: false } ' +
    'ReadableStream { locked: false, state: \'readable\', supportsBYOB: true } WritableStream { locked: false, state: \'writable\' } ' +
    'CountQueuingStrategy { highWaterMark: 1 }\n');
});

test('what streams hold counts against the job', () => {
  const { end } = runJob(`
    const s = new ReadableStream({ pull(c) { c.enqueue('x'.repeat(1000) + Math.random()); } }, { highWaterMark: Infinity });
    await new Promise(() => {});`, '--heap-mb', '32');
  assert.equal(end, 'heap');
});
