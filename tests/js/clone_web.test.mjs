// structuredClone of Blobs and Files, transfer of streams, WebAssembly's streaming functions: beside Node.js where it
// has them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { both } from './both.mjs';
import { runCases } from './shell.mjs';

both({
  blobs: `
    const blob = new Blob(['some ', 'text'], { type: 'text/plain' });
    const copy = structuredClone({ a: [blob], b: blob });
    show(copy.a[0] instanceof Blob, copy.a[0] !== blob, copy.a[0] === copy.b, copy.b.size, copy.b.type, await copy.b.text());
    const slice = structuredClone(blob.slice(5)); show(await slice.text(), slice.type);`,
  files: `
    const file = new File(['x'], 'n.txt', { type: 'a/b', lastModified: 5 });
    const copy = structuredClone(file);
    show(copy instanceof File, copy.name, copy.lastModified, copy.type, await copy.text());
    const { port1, port2 } = new MessageChannel();
    const came = new Promise((done) => { port2.onmessage = (e) => { done(e.data); port2.close(); }; });
    port1.postMessage({ file }); show((await came).file.name);`,
  streams: `
    const readable = (values) => new ReadableStream({ start(c) { for (const v of values) c.enqueue(v); c.close(); } });
    const all = async (s) => { const out = []; for await (const x of s) out.push(x); return out; };
    const one = readable(['a', { b: 1 }, new Uint8Array([1, 2])]);
    const moved = structuredClone(one, { transfer: [one] });
    show(one.locked, moved.locked, moved instanceof ReadableStream, await all(moved));
    const got = []; const w = new WritableStream({ write(x) { got.push(x); }, close() { got.push('closed'); } });
    const there = structuredClone(w, { transfer: [w] }); const writer = there.getWriter();
    await writer.write('x'); await writer.write({ y: 1 }); await writer.close(); show(w.locked, got);
    const t = new TransformStream({ transform(x, c) { c.enqueue(x * 2); } });
    const t2 = structuredClone({ t }, { transfer: [t] }).t;
    show(t.readable.locked, t.writable.locked, t2 instanceof TransformStream, await all(readable([1, 2, 3]).pipeThrough(t2)));`,
  refusals: `
    const locked = new ReadableStream(); locked.getReader();
    const half = new TransformStream(); half.writable.getWriter();
    const ws = new WritableStream(); ws.getWriter();
    for (const [what, transfer] of [[new ReadableStream(), []], [new WritableStream(), []], [new TransformStream(), []], [locked, [locked]], [half, [half]], [ws, [ws]]])
      show((await failure(() => structuredClone(what, { transfer }))).name);
    for (const what of [new Response('x'), new Request('http://x/'), new Headers(), new FormData(), new URL('http://x/'), new URLSearchParams()])
      show((await failure(() => structuredClone({ what }))).name);
    const once = new ReadableStream(); structuredClone(once, { transfer: [once] }); show((await failure(() => structuredClone(once, { transfer: [once] }))).name);`,
});

const wasm = 'const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]); const as = (type, body = bytes, init = {}) => new Response(body, { headers: type === null ? {} : { "content-type": type }, ...init });';
both({
  'streaming WebAssembly': `${wasm}
    show((await WebAssembly.compileStreaming(as('application/wasm'))) instanceof WebAssembly.Module, (await WebAssembly.compileStreaming(Promise.resolve(as('application/wasm')))) instanceof WebAssembly.Module);
    const { module, instance } = await WebAssembly.instantiateStreaming(as('application/wasm'), {}); show(module instanceof WebAssembly.Module, instance instanceof WebAssembly.Instance);
    show(WebAssembly.compileStreaming.length, WebAssembly.instantiateStreaming.length, WebAssembly.compileStreaming.name);
    for (const make of [() => as('text/plain'), () => as(null), () => as('application/wasm;x=y'), () => bytes, () => undefined, () => Response.error(), () => as('application/wasm', bytes, { status: 404 }),
      () => { const r = as('application/wasm'); r.arrayBuffer(); return r; }, () => { const r = as('application/wasm'); r.body.getReader(); return r; }, () => Promise.reject(new RangeError('x')),
      () => as('application/wasm', new Uint8Array(3)), () => as('application/wasm', new ReadableStream({ start(c) { c.error(new SyntaxError('cut')); } }))])
      for (const f of ['compileStreaming', 'instantiateStreaming']) show((await failure(() => WebAssembly[f](make()))).name);
    show((await failure(() => WebAssembly.instantiateStreaming(as('application/wasm'), 5))).name);`,
}, { options: ['--allow-wasm'] });

test('a growable SharedArrayBuffer inside objects, by structuredClone and a port', () => {
  const { shared } = runCases(`const s = new SharedArrayBuffer(16, { maxByteLength: 1024 }); const { port1, port2 } = new MessageChannel();
    const came = new Promise((done) => { port2.onmessage = (e) => done(e.data); }); port1.postMessage({ a: [s, s] });
    const { a } = await came; const b = structuredClone({ x: { y: s } }).x.y; a[1].grow(32); show('shared', [a[0] === a[1], b.byteLength, s.byteLength]);`, '--allow-sab');
  assert.deepEqual(shared, [true, 32, 32]);
});

test('the MIME type counts in any case, and with blanks around it', () => {
  const { kinds } = runCases(`${wasm} show('kinds', await Promise.all(['Application/WASM', ' application/wasm\\t'].map(async (t) => (await WebAssembly.compileStreaming(as(t))) instanceof WebAssembly.Module)));`, '--allow-wasm');
  assert.deepEqual(kinds, [true, true]);
});

test('a stream through a message port; errors and cancels cross; what cannot be cloned is an error of both', () => {
  const r = runCases(`const { port1, port2 } = new MessageChannel();
    const sent = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(new Blob(['b'])); c.close(); } });
    const came = new Promise((done) => { port2.onmessage = (e) => done(e.data); });
    port1.postMessage({ sent }, [sent]);
    const out = []; for await (const x of (await came).sent) out.push(x instanceof Blob ? await x.text() : x);
    show('through', out);
    const move = (s) => structuredClone(s, { transfer: [s] });
    const failing = move(new ReadableStream({ pull(c) { c.error(new RangeError('broken')); } }));
    show('error', await failing.getReader().read().catch((e) => [e instanceof RangeError, e.message]));
    let why; const cancelled = new Promise((done) => { why = done; });
    await move(new ReadableStream({ cancel(x) { why(x); } })).cancel('enough'); show('cancel', await cancelled);
    const aborted = new Promise((done) => { why = done; });
    move(new WritableStream({ abort(x) { why(x.message); } })).abort(new Error('no more')); show('abort', await aborted);
    const bad = move(new ReadableStream({ pull(c) { c.enqueue(() => {}); } }));
    show('uncloneable', (await bad.getReader().read().catch((e) => e)).name);
    const writer = move(new WritableStream({ write() { throw new TypeError('full'); } })).getWriter();
    await writer.write(1).catch(() => {}); show('writing', await writer.closed.catch((e) => [e.name, e.message]));
    show('fake', structuredClone({ _readableStreamController: 1 })._readableStreamController);
    let pulls = 0; const slow = move(new ReadableStream({ pull(c) { c.enqueue(pulls++); } }, { highWaterMark: 0 })); const reader = slow.getReader();
    await reader.read(); await new Promise((done) => setTimeout(done, 10)); show('pulls', pulls < 5);`);
  assert.deepEqual(r.through, [1, 'b']);
  assert.deepEqual(r.error, [true, 'broken']);
  assert.equal(r.cancel, 'enough');
  assert.equal(r.abort, 'no more');
  assert.equal(r.uncloneable, 'DataCloneError');
  assert.deepEqual(r.writing, ['TypeError', 'full']);
  assert.equal(r.fake, 1);
  assert.equal(r.pulls, true);
});
