// Web functions give what Node gives: every expression is evaluated in both, results and errors' names
// and codes are compared. Standards: Encoding, HTML (base64, structuredClone, timers), Web IDL, WebCrypto.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob, runNode } from './shell.mjs';

const groups = {
  TextEncoder: [
    `[...new TextEncoder().encode('aé中😀')]`,
    `[...new TextEncoder().encode('\\ud800x\\udc00')]`,
    `new TextEncoder().encode().length`,
    `new TextEncoder().encode(undefined).length`,
    `[...new TextEncoder().encode(null)]`,
    `[...new TextEncoder().encode(12.5)]`,
    `new TextEncoder().encode(Symbol())`,
    `new TextEncoder().encode('x'.repeat(100000)).length`,
    `new TextEncoder().encoding`,
    `(() => { const u = new Uint8Array(5); return [ new TextEncoder().encodeInto('aé中😀', u), [...u] ] })()`,
    `(() => { const u = new Uint8Array(3); return [ new TextEncoder().encodeInto('😀', u), [...u] ] })()`,
    `(() => { const u = new Uint8Array(8); return [ new TextEncoder().encodeInto('a\\ud800b', u), [...u] ] })()`,
    `(() => { const u = new Uint8Array(10); return [ new TextEncoder().encodeInto('abc', u.subarray(4, 6)), [...u] ] })()`,
    `new TextEncoder().encodeInto('a', new Uint8Array(0))`,
    `new TextEncoder().encodeInto('a')`,
    `new TextEncoder().encodeInto('a', [])`,
    `new TextEncoder().encodeInto('a', new Uint16Array(2))`,
    `TextEncoder.prototype.encode.call({}, 'x')`,
    `TextEncoder()`,
  ],
  TextDecoder: [
    `new TextDecoder().decode(new Uint8Array([97, 195, 169, 228, 184, 173, 240, 159, 152, 128]))`,
    `new TextDecoder().decode()`,
    `new TextDecoder().decode(new ArrayBuffer(2))`,
    `new TextDecoder().decode(new DataView(new Uint8Array([97, 98, 99]).buffer, 1))`,
    `new TextDecoder().decode(new Uint16Array([0x6261]))`,
    `new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 97]))`,
    `new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 97]))`,
    `new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 97]))`,
    // malformed: each maximal part becomes one replacement character
    ...['ff', 'c0 80', 'e0 80 80', 'ed a0 80', 'f4 90 80 80', 'f0 80 80 80', 'e4 b8', 'f0 9f 98', 'f0 9f',
      '61 f0 9f 98 62', 'c3', 'c3 28', 'e2 28 a1', 'e2 82 28', 'f0 28 8c bc', 'f0 90 28 bc', '80 80 80',
      'f8 88 80 80 80', 'fc', 'e4 b8 ad e4 b8', '61 80 62', 'ed bf bf', 'ed a0 80 ed b0 80'].map(
      (hex) => `new TextDecoder().decode(Uint8Array.fromHex('${hex.replaceAll(' ', '')}'))`),
    ...['ff', 'c0 80', 'ed a0 80', 'e4 b8', '61', 'f0 9f 98 80', '', 'ef bb bf'].map(
      (hex) => `new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.fromHex('${hex.replaceAll(' ', '')}'))`),
    // streams, one byte at a time
    ...['61 c3 a9 e4 b8 ad f0 9f 98 80', 'e4 b8 61', 'f0 9f 98', 'ed a0 80', 'ef bb bf 61', 'f4 90 80', 'e0 80', 'c3'].map(
      (hex) => `(() => { const d = new TextDecoder(); let s = [];
        for (const b of Uint8Array.fromHex('${hex.replaceAll(' ', '')}')) s.push(d.decode(new Uint8Array([b]), { stream: true }));
        s.push(d.decode()); return s.join('') })()`),
    `(() => { const d = new TextDecoder('utf-8', { fatal: true }); return [ d.decode(new Uint8Array([0xe4, 0xb8]), { stream: true }), d.decode(new Uint8Array([0xad])) ] })()`,
    `(() => { const d = new TextDecoder('utf-8', { fatal: true }); d.decode(new Uint8Array([0xe4, 0xb8]), { stream: true }); return d.decode() })()`,
    `(() => { const d = new TextDecoder(); d.decode(new Uint8Array([0xe4, 0xb8]), { stream: true }); return [ d.decode(), d.decode(new Uint8Array([97])) ] })()`,
    `(() => { const d = new TextDecoder(); return [ d.decode(new Uint8Array([0xef, 0xbb, 0xbf, 97]), { stream: true }), d.decode(new Uint8Array([0xef, 0xbb, 0xbf, 98])) ] })()`,
    // UTF-16
    `new TextDecoder('utf-16le').decode(new Uint8Array([97, 0, 0x2d, 0x4e, 0x3d, 0xd8, 0, 0xde]))`,
    `new TextDecoder('utf-16be').decode(new Uint8Array([0, 97, 0x4e, 0x2d, 0xd8, 0x3d, 0xde, 0]))`,
    `new TextDecoder('utf-16le').decode(new Uint8Array([0xff, 0xfe, 97, 0]))`,
    `new TextDecoder('utf-16be').decode(new Uint8Array([0xfe, 0xff, 0, 97]))`,
    `new TextDecoder('utf-16le', { ignoreBOM: true }).decode(new Uint8Array([0xff, 0xfe, 97, 0]))`,
    `new TextDecoder('utf-16le').decode(new Uint8Array([97, 0, 98]))`,
    `new TextDecoder('utf-16le').decode(new Uint8Array([0, 0xd8, 97, 0]))`,
    `new TextDecoder('utf-16le').decode(new Uint8Array([0, 0xdc]))`,
    `new TextDecoder('utf-16le', { fatal: true }).decode(new Uint8Array([97]))`,
    `new TextDecoder('utf-16le', { fatal: true }).decode(new Uint8Array([0, 0xd8]))`,
    `(() => { const d = new TextDecoder('utf-16le'); let s = '';
      for (const b of [97, 0, 0x3d, 0xd8, 0, 0xde, 98, 0]) s += d.decode(new Uint8Array([b]), { stream: true }); return s + d.decode() })()`,
    // labels
    ...['utf8', ' UTF-8 ', '\\tUnicode-1-1-UTF-8\\n', 'x-unicode20utf8', 'utf-16', 'UCS-2', 'csunicode', 'unicodefffe', 'utf-16be', 'iso-10646-ucs-2', 'unicodefeff'].map(
      (label) => `new TextDecoder('${label}').encoding`),
    `new TextDecoder('nonsense')`,
    `new TextDecoder('')`,
    `new TextDecoder('utf-8\\u00a0')`,
    `new TextDecoder(undefined).encoding`,
    `new TextDecoder(null)`,
    `(() => { const d = new TextDecoder('utf-8', { fatal: 1, ignoreBOM: 'x' }); return [ d.fatal, d.ignoreBOM, d.encoding ] })()`,
    `new TextDecoder('utf-8', null).fatal`,
    `new TextDecoder().decode('text')`,
    `new TextDecoder().decode([97])`,
    `new TextDecoder().decode(null)`,
    `TextDecoder.prototype.decode.call({})`,
    `Object.getOwnPropertyDescriptor(TextDecoder.prototype, 'fatal').get.call({})`,
    `TextDecoder()`,
  ],
  base64: [
    `[ '', 'a', 'ab', 'abc', 'abcd', '\\u00ff\\u00fe', 'x'.repeat(99) ].map(btoa)`,
    `[ btoa(null), btoa(undefined), btoa(12.5), btoa({}) ]`,
    `btoa('\\u0100')`, `btoa('a\\u4e2d')`, `btoa()`, `btoa(Symbol())`,
    `[ '', 'YQ==', 'YWI=', 'YWJj', 'YQ', 'YWI', ' Y W J j ', 'YW\\nJj\\t\\f\\r', '//8=', 'Y Q = =' ].map(atob)`,
    ...['Y', 'YQ=', 'YQ===', 'Y===', '=', '==', 'YQ==x', 'Y=Q=', 'Y*Q=', 'YWJj=', 'YWJjY', 'YQ=\\u00a0=', '\\u00a0', '-_8=', 'YWJj====', 'Y\\0Q='].map(
      (text) => `atob('${text}')`),
    `atob(null)`, `atob(undefined)`, `atob()`, `atob(12)`,
    `[...atob('AP8=')].map(c => c.charCodeAt(0))`,
    `atob(btoa('z'.repeat(100000))).length`,
  ],
  structuredClone: [
    `structuredClone({ a: 1, b: [ 'x', null, undefined, true, -0, NaN ], c: { d: 1n } }).b.length`,
    `Object.is(structuredClone(-0), -0)`,
    `structuredClone(new Date(5)).getTime()`,
    `String(structuredClone(/a\\/b/gi))`,
    `[...structuredClone(new Map([[ 1, { a: 2 } ]])).entries()]`,
    `[...structuredClone(new Set([ 1, 'x' ]))]`,
    `[...structuredClone(new Uint8Array([ 1, 2, 3 ]).subarray(1))]`,
    `structuredClone(new ArrayBuffer(7)).byteLength`,
    `structuredClone(Object('boxed')).valueOf()`,
    `(() => { const o = { n: 1 }; o.self = o; const c = structuredClone(o); return [ c.self === c, c !== o ] })()`,
    `(() => { const shared = {}; const c = structuredClone([ shared, shared ]); return c[0] === c[1] })()`,
    `(() => { const e = structuredClone(new RangeError('r', { cause: { a: 1 } })); return [ e instanceof RangeError, e.name, e.message, e.cause ] })()`,
    `(() => { class A { x = 1 } const c = structuredClone(new A()); return [ c instanceof A, c.x, Object.getPrototypeOf(c) === Object.prototype ] })()`,
    `(() => { const a = [ 1 ]; a.x = 2; a[3] = 4; const c = structuredClone(a); return [ c.length, c.x, 2 in c ] })()`,
    `(() => { const o = { get x() { return 7 } }; return Object.getOwnPropertyDescriptor(structuredClone(o), 'x').value })()`,
    `(() => { const o = Object.defineProperty({}, 'h', { value: 1 }); return 'h' in structuredClone(o) })()`,
    `Object.getOwnPropertySymbols(structuredClone({ [Symbol('s')]: 1 })).length`,
    `structuredClone(() => {})`, `structuredClone({ f() {} })`, `structuredClone(Symbol('s'))`, `structuredClone(new WeakMap())`,
    `structuredClone(Promise.resolve())`, `structuredClone(new Proxy({}, {}))`, `structuredClone(new WeakRef({}))`,
    `structuredClone({ get x() { throw new RangeError('mine') } })`,
    `structuredClone()`, `structuredClone(undefined)`, `structuredClone(null)`,
    `structuredClone(1, null)`, `structuredClone(1, {})`, `structuredClone(1, { transfer: [] })`,
    `structuredClone(1, 5)`,
    `(() => { const b = new Uint8Array([ 1, 2 ]).buffer; const c = structuredClone(b, { transfer: [ b ] }); return [ b.byteLength, b.detached, [...new Uint8Array(c)] ] })()`,
    `(() => { const b = new ArrayBuffer(4); const c = structuredClone({ v: new Uint16Array(b, 2), b }, { transfer: [ b ] }); return [ b.detached, c.v.buffer === c.b, c.v.byteOffset, c.v.length ] })()`,
    `(() => { const b = new ArrayBuffer(4); structuredClone(1, { transfer: [ b ] }); return b.detached })()`,
    `(() => { const b = new ArrayBuffer(4); return structuredClone(b, { transfer: [ b, b ] }) })()`,
    `(() => { const b = new ArrayBuffer(4); try { structuredClone(() => {}, { transfer: [ b ] }) } catch {} return b.detached })()`,
    `structuredClone(1, { transfer: [ {} ] })`, `structuredClone(1, { transfer: [ 1 ] })`,
    `(() => { const b = new ArrayBuffer(4); structuredClone(b, { transfer: [ b ] }); return structuredClone(b) })()`,
    `(() => { const b = new ArrayBuffer(4); return structuredClone(1, { transfer: new Set([ b ]) }) === 1 && b.detached })()`,
    `structuredClone(1, { transfer: 5 })`,
    `(() => { const c = structuredClone(new DOMException('m', 'AbortError')); return [ c instanceof DOMException, c.name, c.message, c.code ] })()`,
    `(() => { const c = structuredClone({ e: new DOMException('m', 'AbortError') }).e; return [ c instanceof DOMException, c.name, c.message ] })()`,
    `structuredClone('\\ud800').length`,
    `(() => { const b = new ArrayBuffer(4); return structuredClone({ get x() { structuredClone(b, { transfer: [ b ] }); return 1 } }, { transfer: [ b ] }) })()`,
    `(() => { let o = 1; for (let i = 0; i < 20000; i++) o = [ o ]; return structuredClone(o) })()`,
    `structuredClone({ ['__proto__']: 1 }).__proto__ === 1`,
    `(() => { const b = new ArrayBuffer(2, { maxByteLength: 8 }); const c = structuredClone(b); return [ c.resizable, c.maxByteLength, c.byteLength ] })()`,
  ],
  DOMException: [
    `(() => { const e = new DOMException(); return [ e.name, e.message, e.code, e instanceof Error, Object.prototype.toString.call(e), typeof e.stack ] })()`,
    `(() => { const e = new DOMException('m', 'NotFoundError'); return [ e.name, e.message, e.code, String(e) ] })()`,
    `(() => { const e = new DOMException('m', 'OwnName'); return [ e.name, e.code ] })()`,
    `(() => { const e = new DOMException('m', { name: 'N', cause: 7 }); return [ e.name, e.cause, 'cause' in new DOMException() ] })()`,
    `[ DOMException.ABORT_ERR, DOMException.prototype.DATA_CLONE_ERR, DOMException.INDEX_SIZE_ERR, DOMException.length, DOMException.name ]`,
    `Object.keys(DOMException).length`,
    `DOMException()`,
    `Object.getOwnPropertyDescriptor(DOMException.prototype, 'name').get.call({})`,
    `Object.getPrototypeOf(DOMException) === Function.prototype`,
    `Error.isError(new DOMException())`,
    `(() => { class Mine extends DOMException {} const e = new Mine('m', 'N'); return [ e instanceof Mine, e.name, e.constructor.name ] })()`,
    `['IndexSizeError','InvalidCharacterError','TypeMismatchError','QuotaExceededError','TimeoutError','DataCloneError','EncodingError'].map(n => new DOMException('', n).code)`,
    `(() => { const e = new QuotaExceededError('m', { quota: 5, requested: 7 }); return [ e.name, e.code, e.quota, e.requested, e instanceof DOMException ] })()`,
    `(() => { const e = new QuotaExceededError('m'); return [ e.quota, e.requested ] })()`,
    `new QuotaExceededError('m', { quota: -1 })`,
  ],
  crypto: [
    `(() => { const u = new Uint8Array(64); return [ crypto.getRandomValues(u) === u, u.some(x => x) ] })()`,
    `crypto.getRandomValues(new Uint8Array(0)).length`,
    `crypto.getRandomValues(new Uint8Array(65536)).length`,
    `crypto.getRandomValues(new Uint8Array(65537))`,
    `crypto.getRandomValues(new BigUint64Array(8193))`,
    `crypto.getRandomValues(new Float32Array(1))`, `crypto.getRandomValues(new DataView(new ArrayBuffer(1)))`,
    `[ Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array ].map(T => crypto.getRandomValues(new T(2)).length)`,
    `(() => { const u = new Uint8Array(20); crypto.getRandomValues(u.subarray(10)); return u.subarray(0, 10).some(x => x) })()`,
    `/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())`,
    `new Set(Array.from({ length: 100 }, () => crypto.randomUUID())).size`,
    `new Crypto()`, `Crypto()`, `Crypto.prototype.randomUUID.call({})`,
    `Object.prototype.toString.call(crypto)`,
  ],
  performance: [
    `typeof performance.now()`,
    `performance.now() >= 0 && performance.now() < 3600000`,
    `Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000`,
    `performance.timeOrigin === performance.timeOrigin`,
    `typeof performance.toJSON().timeOrigin`,
    `new Performance()`, `Performance.prototype.now.call({})`,
  ],
  'property attributes': [
    ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask',
      'structuredClone', 'atob', 'btoa', 'TextEncoder', 'TextDecoder', 'DOMException', 'QuotaExceededError', 'Crypto',
      'Performance', 'crypto', 'performance', 'console'].map(
      (name) => `(() => { const d = Object.getOwnPropertyDescriptor(globalThis, '${name}');
        return [ d.enumerable, d.configurable, d.writable, typeof d.get, typeof d.set, d.value?.name ] })()`),
    ...['TextEncoder', 'TextDecoder'].map(
      (name) => `Object.entries(Object.getOwnPropertyDescriptors(${name}.prototype)).map(([k, d]) => [k, d.enumerable, d.configurable, d.writable, d.value?.length]).sort()`),
    ...['TextEncoder', 'TextDecoder', 'DOMException', 'Crypto', 'Performance', 'QuotaExceededError'].map(
      (name) => `(() => { const d = Object.getOwnPropertyDescriptor(${name}.prototype, Symbol.toStringTag); return [ d.value, d.enumerable, d.configurable, d.writable ] })()`),
    `['log', 'table', 'assert', 'time'].map(n => { const d = Object.getOwnPropertyDescriptor(console, n); return [ d.enumerable, d.writable, d.configurable, d.value.name ] })`,
    `(() => { const own = performance; performance = 5; const r = performance; performance = own; return r })()`,
    `[ Math.random.name, Math.random.length, Object.getOwnPropertyDescriptor(Math, 'random').enumerable, 'prototype' in Math.random ]`,
    `(() => { const log = console.log; return typeof log() })()`,
    `new setTimeout()`, `new (Math.random)()`, `new atob('')`,
    `Object.getOwnPropertyNames(Math).length`,
  ],
};

// Differences we want, each with its reason.
const exceptions = new Map([
  ['(() => { const b = new ArrayBuffer(4); return structuredClone({ get x() { structuredClone(b, { transfer: [ b ] }); return 1 } }, { transfer: [ b ] }) })()',
    'HTML: a buffer that was detached meanwhile is a DataCloneError; Node lets it pass'],
  ["new atob('')", "Web IDL: operations are no constructors; Node's atob is one"],
]);

const flat = Object.entries(groups).flatMap(([group, list]) => list.map((source) => ({ group, source })));
const script =
  flat
    .map(({ source }, i) =>
      `await (async () => { let r; try { r = { value: ${source} } } catch (e) {
        r = { threw: e?.name, code: e instanceof DOMException ? e.code : 0 } }
        console.log(JSON.stringify([${i}, r], (k, v) => typeof v === 'bigint' ? v + 'n' : v)) })();\n`)
    .join('');

const linesOf = (text) =>
  new Map(text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line)));
const job = runJob(script);
const node = runNode(script);

test('the script of all expressions runs to its end in both', () => {
  assert.equal(job.end, 'ok', JSON.stringify(job).slice(0, 2000));
  assert.equal(node.status, 0, node.stderr);
});
const ours = linesOf(job.stdout);
const theirs = linesOf(node.stdout);
flat.forEach(({ group, source }, i) => {
  const reason = exceptions.get(source);
  test(`${group}: ${source.replace(/\s+/g, ' ').slice(0, 110)}`, () => {
    if (reason === undefined) assert.deepEqual(ours.get(i), theirs.get(i));
    else assert.notDeepEqual(ours.get(i), theirs.get(i), `no exception any more: ${reason}`);
  });
});
