// Blob, File, FormData, Headers, Request, Response, and fetch of data: and blob: URLs: as in Node. What goes over
// the network: tests/e2e/fetch.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { both } from './both.mjs';
import { runCases, runJob } from './shell.mjs';

both({
  'Blob: parts, type, size': `
    const b = new Blob(['aé', new Uint8Array([1, 2]), new Uint8Array([9, 9]).buffer, new Blob(['x']), new DataView(new ArrayBuffer(2)), 12, null], { type: 'Text/PLAIN' });
    show(b.size, b.type, await b.bytes(), new Blob([], { type: 'a\\x7fb' }).type, new Blob().size, (await new Blob(['\\ud800']).bytes()));`,
  'Blob: wrong arguments': `
    for (const v of ['text', 5, null, {}, new Uint8Array(2).buffer]) show(await failure(() => new Blob(v)));
    show(await failure(() => new Blob([], 5)), await failure(() => new Blob([], { endings: 'x' })), await failure(() => Blob()), await failure(() => new Blob([Symbol()])));
    show((await failure(() => new Blob(new Set(['a', 'b']))))[1]?.size);`,
  'Blob: slice': `
    const b = new Blob(['0123456789']);
    for (const a of [[], [3], [-3], [2, 5], [5, 2], [-4, -2], [0, 100], [NaN, 2], [1.9, 3.9]]) show(await b.slice(...a).text());
    show(b.slice(0, 1, 'A/B').type, b.slice(0, 1).type, await b.slice(2, 8).slice(1, 3).text());`,
  'Blob: text, arrayBuffer, stream': `
    const b = new Blob([new Uint8Array([0xef, 0xbb, 0xbf, 97, 0xff])]);
    show(await b.text(), await b.arrayBuffer(), (await Array.fromAsync(b.stream())).length, await failure(() => Blob.prototype.text.call({})));
    const big = new Blob([new Uint8Array(200000)]); let n = 0; for await (const x of big.stream()) n += x.length; show(n);
    const r = new Blob(['hello']).stream().getReader({ mode: 'byob' }); show((await r.read(new Uint8Array(3))).value, (await r.read(new Uint8Array(9))).value);`,
  'textStream: of blobs, requests, responses': `
    const pieces = async (x) => (await Array.fromAsync(x.textStream())).join('|');
    show(await pieces(new Blob([new Uint8Array([0xef, 0xbb, 0xbf, 97, 0xff])])), await pieces(new Blob()), await failure(() => Blob.prototype.textStream.call({})));
    const r = new Response('aé'), q = new Request('http://a/', { method: 'POST', body: 'q' });
    show(await pieces(r), r.bodyUsed, (await failure(() => r.textStream()))[0], await pieces(q), await pieces(new Response()), new Response().textStream().locked);
    const split = new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array([0xc3])); c.enqueue(new Uint8Array([0xa9])); c.close() } })); show(await pieces(split));`,
  'File': `
    const f = new File(['ab'], 'n\\ud800.txt', { type: 'text/plain', lastModified: 5 });
    show(f.name, f.size, f.type, f.lastModified, f instanceof Blob, Object.prototype.toString.call(f), typeof new File([], '').lastModified);
    show(await failure(() => new File([])), await failure(() => new File('x', 'y')), f.slice(0, 1) instanceof File);`,
  'Headers: names and values': `
    const h = new Headers({ B: ' x\\t', a: '1' }); h.append('A', '2'); h.set('c', ''); h.append('Set-Cookie', 'q=1'); h.append('set-cookie', 'r');
    show([...h], h.get('a'), h.get('none'), h.has('B'), h.getSetCookie(), [...h.keys()], [...h.values()]);
    h.delete('A'); show(h.has('a'), h.get('set-cookie'));
    for (const [n, v] of [['', 'x'], ['a b', 'x'], ['ä', 'x'], ['a', 'x\\ny'], ['a', '\\0'], ['a', '中']]) show(await failure(() => h.append(n, v)));
    h.set('latin', 'ä'); show(h.get('latin'));`,
  'Headers: how they are made': `
    show([...new Headers([['a', 'b'], new Set(['c', 'd'])])], [...new Headers(new Headers({ x: 'y' }))], [...new Headers(new Map([['k', 'v']]))], [...new Headers(undefined)]);
    for (const v of [null, 5, 'text', [['a']], [['a', 'b', 'c']], [5]]) show(await failure(() => new Headers(v)));
    show(await failure(() => Headers()), await failure(() => new Headers({ [Symbol.for('s')]: 'x', a: 'b' })));`,
  'Headers: iteration is live and sorted': `
    const h = new Headers({ c: '3', a: '1' }); const seen = [];
    for (const [k] of h) { seen.push(k); if (k === 'a') h.append('b', '2'); }
    h.forEach((v, k, x) => seen.push(k + v + (x === h))); show(seen);
    const it = h.entries(); show(Object.prototype.toString.call(it), typeof it.next, it[Symbol.iterator]() === it, Headers.prototype.entries === Headers.prototype[Symbol.iterator]);
    show(await failure(() => Headers.prototype.get.call({}, 'a')), await failure(() => h.forEach()), await failure(() => it.next.call({})));`,
  'FormData': `
    const f = new FormData(); f.append('a', 1); f.append('a', new Blob(['x'], { type: 't/t' })); f.append('b', new File(['y'], 'y.txt'), 'z.txt'); f.append('c', '\\ud800');
    show(f.get('a'), f.getAll('a').length, f.getAll('a')[1].name, f.getAll('a')[1].type, f.get('b').name, f.get('c'), f.has('q'), f.get('q'), [...f.keys()]);
    f.set('a', 'new'); show([...f].map(([k, v]) => k + ':' + (v.name ?? v))); f.delete('b'); show([...f.keys()], f.get('a') === 'new');
    show(await failure(() => f.append('a')), await failure(() => f.append('a', 'x', 'name')), await failure(() => new FormData({})));`,
  'Response: made': `
    const r = new Response('body', { status: 201, statusText: 'Made', headers: { 'x-a': 'b' } });
    show(r.status, r.statusText, r.ok, r.type, r.url, r.redirected, r.bodyUsed, [...r.headers], await r.text(), r.bodyUsed);
    for (const i of [{ status: 199 }, { status: 600 }, { statusText: 'a\\nb' }, { statusText: '中' }]) show(await failure(() => new Response('', i)));
    for (const s of [204, 205, 304]) show(await failure(() => new Response('x', { status: s })), new Response(null, { status: s }).status);
    const e = Response.error(); show(e.type, e.status, e.ok, await failure(() => e.headers.append('a', 'b')));
    const j = Response.json({ a: [1] }, { status: 418 }); show(j.status, [...j.headers], await j.json(), await failure(() => Response.json(undefined)));
    const d = Response.redirect('http://a.test/x', 307); show(d.status, d.headers.get('location'), await failure(() => Response.redirect('http://a.test/', 200)), await failure(() => d.headers.set('a', 'b')));`,
  'Response: bodies of every kind': `
    for (const body of ['text ä', new Uint8Array([1, 2]), new Uint8Array([1, 2, 3, 4]).subarray(1, 3), new ArrayBuffer(2), new Blob(['b'], { type: 'x/y' }), new Blob(['b']), null, undefined, 5]) {
      const r = new Response(body); show(r.headers.get('content-type'), r.body === null, await r.bytes()); }
    const s = new Response(ReadableStream.from([new Uint8Array([97]), new Uint8Array([98])])); show(await s.text());
    show(await failure(() => new Response(ReadableStream.from(['text'])).text()));
    const locked = new ReadableStream(); locked.getReader(); show(await failure(() => new Response(locked)));`,
  'Response: read once': `
    const r = new Response('x'); await r.text(); show(await failure(() => r.text()), await failure(() => r.clone()), r.body.locked === false, (await failure(() => r.json())));
    const t = new Response('x'); const reader = t.body.getReader(); show(await failure(() => t.text()), t.bodyUsed); await reader.read(); show(t.bodyUsed);
    const n = new Response(null); show(await n.text(), n.bodyUsed, await n.text(), await n.arrayBuffer());
    const c = new Response('both'); const d = c.clone(); show(await c.text(), await d.text());
    const e = new Response('streamed'); e.body; const f = e.clone(); show(await f.text(), await e.text());`,
  'Response: json and malformed text': `
    show(await new Response('\\ufeff{"a": 1}').json(), await failure(() => new Response('{').json()), await new Response(new Uint8Array([0xff, 97])).text());`,
  'Response: blob has the type of the headers': `
    for (const t of ['text/html', 'Text/HTML; Charset="utf-8"', 'nonsense', '', 'a/b; q=" x"', ' a/b', 'a/ b', 'a/b ;c=d']) show((await new Response('x', { headers: { 'content-type': t } }).blob()).type);`,
  'Response: urlencoded forms': `
    const f = await new Response('a=1&b=%C3%A9+x&c&=d&&a=%zz', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }).formData(); show([...f]);
    show(await failure(() => new Response('a=b').formData()), await failure(() => new Response('x', { headers: { 'content-type': 'text/html' } }).formData()));`,
  'multipart: there and back': `
    const f = new FormData(); f.append('text', 'a\\r\\nb\\nc'); f.append('na"me', 'v'); f.append('file', new File([new Uint8Array([0, 13, 10, 45, 45, 255])], 'ü "q".bin', { type: 'application/x-y' })); f.append('none', new File([], 'none'));
    const g = await new Response(f).formData();
    show([...g.keys()], g.get('text'), g.get('file').name, g.get('file').type, await g.get('file').bytes(), g.get('none').size, g.get('none').name);
    show([...await new Response(new FormData()).formData()]);`,
  'multipart: malformed is a TypeError': `
    const parse = (text, type = 'multipart/form-data; boundary=B') => new Response(text, { headers: { 'content-type': type } }).formData();
    const ok = '--B\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n1\\r\\n--B--\\r\\n';
    show([...await parse(ok)], [...await parse(ok, 'multipart/form-data; boundary="B"')]);
    for (const bad of ['', 'x', '--B', '--B\\r\\n\\r\\n1\\r\\n--B--', ok.replace('--B--', ''), ok.replace('form-data;', 'file;'), ok.replace('name=', 'nam='), ok.replace('\\r\\n\\r\\n', '\\r\\n')])
      show(await failure(() => parse(bad)));
    show(await failure(() => parse(ok, 'multipart/form-data')));`,
  'Request: made': `
    const q = new Request('http://A.test:80/x y?z#f', { method: 'post', body: 'b', headers: { 'X-A': '1' }, redirect: 'manual', cache: 'no-store', credentials: 'omit', keepalive: true, integrity: 'i', referrer: '', referrerPolicy: 'origin' });
    show(q.url, q.method, [...q.headers], q.redirect, q.cache, q.credentials, q.keepalive, q.integrity, q.referrer, q.referrerPolicy, q.mode, q.destination, q.duplex, q.signal.aborted, await q.text());
    const d = new Request('http://a.test'); show(d.url, d.method, d.redirect, d.body, d.referrer, d.mode, d.credentials);
    for (const m of ['get', 'PATCH', 'patch', 'Delete', 'x-y']) show(new Request('http://a.test', { method: m }).method);`,
  'Request: wrong arguments': `
    for (const a of [[], ['/relative'], ['http://'], ['http://u:p@a.test'], ['http://a.test', { method: 'TRACE' }], ['http://a.test', { method: 'a b' }], ['http://a.test', { body: 'x' }],
      ['http://a.test', { method: 'HEAD', body: 'x' }], ['http://a.test', { mode: 'navigate' }], ['http://a.test', { redirect: 'x' }], ['http://a.test', { cache: 'only-if-cached' }],
      ['http://a.test', { window: 1 }], ['http://a.test', { signal: {} }], ['http://a.test', 5], ['http://a.test', { method: 'POST', body: new ReadableStream() }], ['http://a.test', { duplex: 'full' }]])
      show(a[0], await failure(() => new Request(...a)).then((e) => e instanceof Error ? e : 'none'));`,
  'Request: from another': `
    const a = new Request('http://a.test/', { method: 'POST', body: 'one', headers: { x: 'y' } });
    const b = new Request(a, { method: 'PUT' }); show(b.method, b.headers.get('x'), await b.text(), a.bodyUsed, await failure(() => new Request(a)));
    const c = new Request('http://a.test/', { method: 'POST', body: 'two' }); const d = c.clone(); show(await c.text(), await d.text());
    const e = new Request(new Request('http://a.test/', { headers: { x: 'y' } }), { headers: { z: '1' } }); show([...e.headers]);
    const ctl = new AbortController(); const f = new Request('http://a.test/', { signal: ctl.signal }); const g = f.clone(); ctl.abort('why'); show(f.signal.aborted, f.signal.reason, g.signal.aborted);`,
  'shapes': `
    for (const name of ['Blob', 'File', 'FormData', 'Headers', 'Request', 'Response']) {
      const ours = Object.getOwnPropertyNames(globalThis[name].prototype).filter((k) => !['textStream', 'webkitRelativePath', 'attribute'].includes(k)).sort();
      show(name, globalThis[name].length, ours, Object.prototype.toString.call(globalThis[name].prototype)); }
    show(fetch.length, fetch.name, await failure(() => fetch()), await failure(() => new Response('', 5)));`,
  'fetch of data: and blob: URLs': `
    const r = await fetch('data:text/html;charset=utf-8,%3Cp%3E%20x'); show(r.status, r.ok, r.statusText, r.headers.get('content-type'), await r.text());
    show(await (await fetch('data:;base64,aGk=')).text(), await (await fetch('data:,a%00b')).bytes(), await failure(() => fetch('data:x')));`,
  'object URLs': `
    const u = URL.createObjectURL(new Blob(['blobbed'], { type: 'a/b' })); const r = await fetch(u + '#f');
    show(u.startsWith('blob:'), r.status, r.headers.get('content-type'), await r.text(), await failure(() => URL.createObjectURL('x')));
    URL.revokeObjectURL(u); show(await failure(() => fetch(u)));`,
  'fetch rejects what it cannot do': `
    for (const u of ['ftp://a.test/', 'nonsense', 'http://u:p@a.test/', 'file:///etc/passwd']) show(u, await failure(() => fetch(u)));
    show((await failure(() => fetch('data:,x', { signal: AbortSignal.abort() }))), await failure(() => fetch('data:,x', { signal: AbortSignal.abort('mine') }).catch((e) => { throw new RangeError(e); })));`,
}, {
  here: {},
});

test('what fetch takes counts against the job, and a body can be held only within it', () => {
  const { end } = runJob(`const all = []; for (;;) all.push(new Blob([new Uint8Array(1 << 20)]));`, '--memory-mb', '64');
  assert.equal(end, 'memory');
});

test('headers that are ours are dropped from a request without a word, not from others', () => {
  const found = runCases(`
    const names = ['host', 'Content-Length', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'proxy-authorization', 'expect', 'keep-alive', 'via', 'date'];
    const q = new Request('http://a.test/', { headers: names.map((n) => [n, 'x']) });
    show('request', [...q.headers]);
    q.headers.set('Host', 'evil'); q.headers.append('cookie', 'a=b'); show('later', [...q.headers]);
    show('plain', [...new Headers(names.map((n) => [n, 'x']))].length);`);
  assert.deepEqual(found, { request: [], later: [['cookie', 'a=b']], plain: 12 });
});

test('many parts and long heads of a form are refused', () => {
  const found = runCases(`
    const part = '--B\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n1\\r\\n';
    const parse = (text) => new Response(text, { headers: { 'content-type': 'multipart/form-data; boundary=B' } }).formData().catch((e) => e.message);
    show('parts', await parse(part.repeat(16385) + '--B--'));
    show('head', await parse(part.replace('\\r\\n\\r\\n', '; x="' + 'y'.repeat(20000) + '"\\r\\n\\r\\n') + '--B--'));`);
  assert.match(found.parts, /more than 16384 parts/);
  assert.match(found.head, /head does not end within 16384 bytes/);
});
