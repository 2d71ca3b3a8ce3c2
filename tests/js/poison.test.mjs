// A script may replace everything it can reach. The built-ins must work on as if nothing had happened, and
// must not call what the script put there (it would see objects of ours).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from './shell.mjs';

// Everything the run needs is made before the poison, with no method calls left for later.
const prelude = `
globalThis.touched = 0;
globalThis.touch = function touch() { touched++; throw new TypeErrorOf('poisoned'); };
globalThis.TypeErrorOf = TypeError;
const cyclic = { name: 'cyclic' }; cyclic.self = cyclic;
class Point { constructor() { this.x = 1; this.y = [1, , 3]; } get sum() { return 1; } }
const failure = new Error('outer', { cause: new TypeError('inner') }); failure.code = 'E_CODE'; failure.stack;
failure.cause.stack;
const data = [
  { a: 1, 'b-c': 'it\\'s', d: [1, 2, , 4, 'five'], e: { f: { g: { h: 1 } } } }, cyclic, new Point(),
  new Map([['k', { v: new Set([1, [2]]) }]]), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 'text\\n', -0, 12n, Symbol('s'),
  new Uint8Array([1, 2]), new Uint8Array([1, 2]).buffer, Promise.resolve(5), new Proxy({ t: 1 }, {}), Object(1), Object('s'),
  () => {}, class A {}, new Date(0), /re/g, new Map([[1, 2]]).entries(), new WeakMap(), Object.create(null), null, undefined,
];
const rows = [{ a: 1, b: 'x' }, { a: 2, c: [1] }];
const key = new Uint8Array(32), nonce = new Uint8Array(24), message = new Uint8Array([1, 2, 3]);
const encoder = new TextEncoder(), decoder = new TextDecoder(), view = new Uint8Array(8);
const clonable = { date: new Date(5), map: new Map([[1, { a: [1, 2] }]]), bytes: new Uint8Array([7, 8]) };
const moved = new ArrayBuffer(4), transferOptions = { transfer: [moved] }, streaming = { stream: true };
const stacked = new Error('stacked');
const Uint8Array_ = Uint8Array, { subtle } = crypto, gcm = { name: 'AES-GCM', length: 128 }, gcmUse = { name: 'AES-GCM', iv: nonce }, ecdsa = { name: 'ECDSA', namedCurve: 'P-256' };
const ecdsaUse = { name: 'ECDSA', hash: { name: 'SHA-256' } }, secretUsages = ['encrypt', 'decrypt'], pairUsages = ['sign', 'verify'];
const wrapKey = await subtle.importKey('raw', key, 'AES-KW', true, ['wrapKey', 'unwrapKey']), jwk = { kty: 'oct', k: 'AAAAAAAAAAAAAAAAAAAAAA', key_ops: ['encrypt'] };
const resolved = Promise.resolve.bind(Promise), told = Promise.prototype.then, tell = (p, f) => Reflect_apply(told, p, [f, (e) => console.log('rejected', e.name, e.message)]), Reflect_apply = Reflect.apply;
`;

// crypto.subtle, as part of the run where the script itself can still wait for a promise.
const promised = `
tell(subtle.digest('SHA-256', message), (d) => console.log(sodium.bin2hex(new Uint8Array_(d))));
tell(subtle.generateKey(gcm, true, secretUsages), (k) => { console.log(k.usages[1], k.algorithm.length);
  tell(subtle.encrypt(gcmUse, k, message), (c) => tell(subtle.decrypt(gcmUse, k, c), (m) => console.log(new Uint8Array_(m)[2])));
  tell(subtle.exportKey('jwk', k), (j) => console.log(j.kty, j.alg, j.key_ops[0]));
  tell(subtle.wrapKey('raw', k, wrapKey, 'AES-KW'), (w) => tell(subtle.unwrapKey('raw', w, wrapKey, 'AES-KW', gcm, true, secretUsages), (u) => console.log(u.type))); });
tell(subtle.generateKey(ecdsa, true, pairUsages), (p) => tell(subtle.sign(ecdsaUse, p.privateKey, message), (s) =>
  tell(subtle.verify(ecdsaUse, p.publicKey, s, message), (ok) => console.log('verified', ok))));
tell(subtle.importKey('jwk', jwk, gcm, false, ['encrypt']), (k) => console.log(k.extractable));
tell(subtle.encrypt(gcmUse, wrapKey, message), touch);
`;

// No call here of anything that a poison replaces.
const run = `
console.log('%s %d %i %f %j %o %O %%', 'text', 42, 42.5, 1.5, rows, rows, data[0]);
for (let i = 0; i < data.length; i++) console.log(data[i]);
console.log(data);
console.error('to %s', 'stderr', { err: failure });
console.dir(data[0], { depth: 0 });
console.table(rows); console.table(data[3]);
console.group('group'); console.log('in\\ngroup'); console.groupEnd();
console.count(); console.count('x'); console.countReset('x'); console.count('x'); console.assert(false, 'asserted');
console.log(sodium.bin2hex(sodium.cryptoGenerichash(32, message)));
const box = sodium.cryptoSecretboxEasy(message, nonce, key);
console.log(sodium.bin2base64(box, 1), sodium.cryptoSecretboxOpenEasy(box, nonce, key)[2]);
const hash = sodium.cryptoGenerichashInit(null, 16); sodium.cryptoGenerichashUpdate(hash, message);
console.log(sodium.bin2hex(sodium.cryptoGenerichashFinal(hash)));
const pair = sodium.cryptoSignSeedKeypair(key);
console.log(sodium.cryptoSignVerifyDetached(sodium.cryptoSignDetached(message, pair.secretKey), message, pair.publicKey));
try { sodium.cryptoSecretboxEasy(message, key, key); } catch (e) { console.log(e.message); }
console.log(encoder.encode('h\\u00e9')[2], decoder.decode(message), atob('aGk='), btoa('hi'));
decoder.decode(message, streaming); decoder.decode();
console.log(encoder.encodeInto('abc', view).written, view[1]);
try { atob('*'); } catch (e) { console.log(e.name, e.message, e.code); }
const copy = structuredClone(clonable); console.log(copy.bytes[1], copy.date);
structuredClone(moved, transferOptions); console.log(moved.byteLength);
try { structuredClone(touch); } catch (e) { console.log(e.name, e.code); }
const random = Math.random(); console.log(random >= 0 && random < 1, crypto.randomUUID().length, crypto.getRandomValues(view) === view);
console.log(performance.now() >= 0, job.attempt, job.input.n, job.env.A);
job.progress(0.5, 'half');
console.log(stacked.stack.length > 10);
const timeout = setTimeout((a, b) => {
  console.log('timer', a, b);
  const never = setTimeout(touch, 1); clearTimeout(never);
  let n = 0; const interval = setInterval(() => { console.log('tick'); if (++n < 2) return;
    clearInterval(interval); setTimeout(() => console.log('touched', touched), 5); }, 1);
  setImmediate((x) => console.log('immediate', x), { x: 1 });
  queueMicrotask(() => console.log('microtask'));
}, 1, 'one', 'two');
`;

const poisons = {
  'Array.prototype methods': `for (const n of ['map','join','push','slice','splice','indexOf','includes','forEach','filter','sort','pop','shift','unshift','concat','reduce','at','keys','values','entries','toString','flat','fill'])
    Array.prototype[n] = touch;`,
  'Array.prototype[Symbol.iterator]': `Array.prototype[Symbol.iterator] = touch;`,
  'the array iterator': `Object.getPrototypeOf([][Symbol.iterator]()).next = touch;`,
  'setters for indexes on Array.prototype': `for (let i = 0; i < 40; i++) Object.defineProperty(Array.prototype, i, { set: touch, get() { return undefined; }, configurable: true });`,
  'setters for indexes on Object.prototype': `for (let i = 0; i < 40; i++) Object.defineProperty(Object.prototype, i, { set: touch, get() { return undefined; }, configurable: true });`,
  'String.prototype methods': `for (const n of Object.getOwnPropertyNames(String.prototype)) if (n !== 'length' && n !== 'constructor') String.prototype[n] = touch;`,
  'String.prototype[Symbol.iterator]': `String.prototype[Symbol.iterator] = touch;`,
  'RegExp.prototype': `for (const n of ['exec', 'test', 'toString', 'compile']) RegExp.prototype[n] = touch;
    for (const s of [Symbol.replace, Symbol.split, Symbol.match, Symbol.search, Symbol.matchAll]) RegExp.prototype[s] = touch;
    for (const n of ['flags', 'global', 'source', 'unicode', 'sticky', 'hasIndices', 'ignoreCase']) Object.defineProperty(RegExp.prototype, n, { get: n === 'source' || n === 'flags' ? () => 're' : touch });`,
  'Function.prototype.call, apply, bind': `Function.prototype.call = Function.prototype.apply = Function.prototype.bind = touch;`,
  'Function.prototype.toString and hasInstance': `Function.prototype.toString = touch;`,
  'Map, Set and WeakMap prototypes': `for (const T of [Map, Set, WeakMap, WeakSet]) for (const n of Object.getOwnPropertyNames(T.prototype))
    if (n !== 'constructor') Object.defineProperty(T.prototype, n, { value: touch });
    Object.defineProperty(Map.prototype, Symbol.iterator, { value: touch }); Object.defineProperty(Set.prototype, Symbol.iterator, { value: touch });`,
  'map and set iterators': `Object.getPrototypeOf(new Map().entries()).next = touch; Object.getPrototypeOf(new Set().values()).next = touch;`,
  'JSON': `JSON.stringify = JSON.parse = touch;`,
  'Object functions': `for (const n of ['keys','getOwnPropertyDescriptor','getOwnPropertyNames','getOwnPropertySymbols','getPrototypeOf','setPrototypeOf','defineProperty','defineProperties','entries','values','assign','create','freeze','is','hasOwn','fromEntries']) Object[n] = touch;`,
  'Reflect': `for (const n of Object.getOwnPropertyNames(Reflect)) Reflect[n] = touch;`,
  'Object.prototype methods': `for (const n of ['hasOwnProperty','propertyIsEnumerable','toString','valueOf','isPrototypeOf','toLocaleString']) Object.defineProperty(Object.prototype, n, { value: touch, enumerable: false });`,
  'fields of descriptors and options on Object.prototype': `for (const n of ['get','set','value','writable','enumerable','configurable','done','index','indices','groups'])
    Object.defineProperty(Object.prototype, n, { __proto__: null, get() { touched++; return undefined; }, set: touch, configurable: true });`,
  'options of inspection on Object.prototype': `for (const n of ['showHidden','depth','colors','compact','breakLength','sorted','maxArrayLength','stylize','seen','circular','indent','transfer','fatal','ignoreBOM'])
    Object.defineProperty(Object.prototype, n, { value: 'poison', writable: true, configurable: true });`,
  'Promise.prototype and Promise functions': `for (const n of ['then','catch','finally']) Promise.prototype[n] = touch;
    Object.defineProperty(Promise.prototype, 'constructor', { get: touch }); for (const n of ['resolve','reject','all','race']) Promise[n] = touch;`,
  'Symbol.species': `for (const T of [Array, Promise, RegExp, ArrayBuffer, Map, Set, Object.getPrototypeOf(Uint8Array)]) Object.defineProperty(T, Symbol.species, { get: touch });`,
  'numbers, bigints, booleans, symbols': `for (const T of [Number, BigInt, Boolean, Symbol]) for (const n of ['toString','valueOf','toFixed','toLocaleString'])
    if (n in T.prototype) T.prototype[n] = touch; for (const n of ['isInteger','isFinite','isNaN','parseInt','parseFloat']) Number[n] = touch;`,
  'Math': `for (const n of Object.getOwnPropertyNames(Math)) if (n !== 'random' && typeof Math[n] === 'function') Math[n] = touch;`,
  'Date.prototype': `for (const n of Object.getOwnPropertyNames(Date.prototype)) if (n !== 'constructor') Date.prototype[n] = touch; Date.now = touch;`,
  'Error': `Error.captureStackTrace = touch; Object.defineProperty(Error.prototype, 'toString', { value: touch }); Error[Symbol.hasInstance];`,
  'typed arrays': `const T = Object.getPrototypeOf(Uint8Array); for (const n of Object.getOwnPropertyNames(T.prototype)) if (n !== 'constructor' && n !== 'length')
    Object.defineProperty(T.prototype, n, typeof Object.getOwnPropertyDescriptor(T.prototype, n).value === 'function' ? { value: touch } : { get: touch });
    Object.defineProperty(T.prototype, 'length', { get: touch }); T.from = T.of = touch;`,
  'ArrayBuffer and DataView': `const get = touch; ArrayBuffer.prototype.slice = touch; ArrayBuffer.isView = touch;
    for (const n of ['byteLength', 'byteOffset', 'buffer']) Object.defineProperty(DataView.prototype, n, { get });`,
  'globals': `const { defineProperty } = Object; for (const n of ['Object','Array','Map','Set','WeakMap','Promise','Error','TypeError','RangeError','Symbol','String','Number','Boolean','BigInt','JSON','Reflect','Proxy','Uint8Array','Int32Array','ArrayBuffer','DataView','RegExp','Date','Function','parseInt','parseFloat','isNaN','isFinite','DOMException','TextEncoder','TextDecoder','QuotaExceededError'])
    defineProperty(globalThis, n, { value: undefined, writable: true, configurable: true });`,
  'custom inspection and tags on Object.prototype': `Object.defineProperty(Object.prototype, 'inspect', { value: touch });`,
  'our own classes': `for (const T of [TextEncoder, TextDecoder, DOMException, Crypto, SubtleCrypto, CryptoKey, Performance]) T.prototype.constructor = touch;
    Object.defineProperty(DOMException.prototype, Symbol.hasInstance, { value: touch });`,
};

const options = ['--name', 'poison.mjs', '--input', '{"n":7}', '--env', '{"A":"b"}'];
const cannotWait = ['Promise.prototype and Promise functions', 'Symbol.species'];
const clean = runJob(`${prelude}{ }${promised}${run}`, ...options);
const cleanAlone = runJob(`${prelude}{ }${run}`, ...options);

test('the run works without poison', () => {
  assert.equal(clean.end, 'ok', JSON.stringify(clean).slice(0, 1000));
  assert.match(clean.stdout, /timer one two\nmicrotask\nimmediate \{ x: 1 \}\ntick\ntick\ntouched 0\n$/);
});

// The poison is put in first thing, and again nothing else may be different afterwards.
for (const [name, poison] of Object.entries(poisons)) {
  test(`poisoned: ${name}`, () => {
    const alone = cannotWait.includes(name);
    const wanted = alone ? cleanAlone : clean;
    const lines = (text) => text.split('\n');
    // In a context made anew no part is loaded yet: inspection comes after the poison.
    for (const context of [[], ['--renew']]) {
      const job = runJob(`${prelude}{ ${poison.replaceAll('\n', ' ')} }${alone ? '' : promised}${run}`, ...options, ...context);
      assert.deepEqual(lines(job.stdout), lines(wanted.stdout));
      assert.deepEqual(lines(job.stderr), lines(wanted.stderr));
      assert.equal(job.end, 'ok', `${job.name}: ${job.message}`);
    }
  });
}

test('a value and an error are told with everything replaced', () => {
  const all = `JSON.stringify = touch; Object.keys = touch; Array.prototype.map = touch; String.prototype.slice = touch;
    Function.prototype.call = touch; Error.prototype.toString = touch; Array.prototype[Symbol.iterator] = touch;`;
  const value = runJob(`${prelude}${all} export default rows;`);
  assert.deepEqual(value.value, [{ a: 1, b: 'x' }, { a: 2, c: [1] }]);
  for (const context of [[], ['--renew']]) {
    const error = runJob(`${prelude}${all} throw failure;`, ...context);
    assert.equal(error.name, 'Error');
    assert.equal(error.message, 'outer');
    assert.match(error.stack, /\[cause\]: TypeError: inner/);
  }
});

test('functions of ours give away no caller, no arguments, no prototype to change', () => {
  const r = runJob(`
    const seen = []; const f = function () { try { seen.push(f.caller && f.caller.name); } catch (e) { seen.push(e.name); } return 'x'; };
    console.log({ [Symbol.for('nodejs.util.inspect.custom')]: f });
    setTimeout(f, 1); setTimeout(() => console.log(seen, console.log.prototype, setTimeout.prototype), 5);`, '--script');
  assert.match(r.stdout, /\[ null, null \] undefined undefined\n$/);
});

test('a prototype cannot be reached through what inspection hands out', () => {
  const r = runJob(`
    let options, inspect;
    console.log({ [Symbol.for('nodejs.util.inspect.custom')](d, o, i) { options = o; inspect = i; return ''; } });
    options.depth = 0; options.stylize = 5; inspect.custom = 1;
    console.log({ a: { b: 1 } }, typeof inspect, Object.getPrototypeOf(options) === Object.prototype);`);
  assert.equal(r.stdout, '\n{ a: { b: 1 } } function true\n');
});

test('WebAssembly is made at the first look, out of reach of what a script replaced', () => {
  const look = `const { getOwnPropertyDescriptor, getOwnPropertyNames } = Object; const { log } = console;
    POISON
    const own = getOwnPropertyDescriptor(globalThis, 'WebAssembly');
    log(typeof own.value, own.writable, own.enumerable, own.configurable, touched);
    const names = getOwnPropertyNames(WebAssembly); let all = ''; for (let i = 0; i < names.length; i++) all += names[i] + ' ';
    log(all); log(typeof WebAssembly.CompileError.prototype.message, WebAssembly.Module.name, typeof SharedArrayBuffer);
    let caught; try { new WebAssembly.Module(message) } catch (e) { caught = e } log(caught.constructor === WebAssembly.CompileError, touched);
    let memory = 'none'; try { new WebAssembly.Memory(gcm) } catch (e) { memory = e.message } log(memory);`;
  const wanted = runJob(`${prelude}${look.replace('POISON', '')}`);
  assert.match(wanted.stdout, /^object true false true 0\ncompile .*compileStreaming instantiateStreaming \nstring Module undefined\ntrue 0\nWebAssembly\.Memory\(\): WebAssembly is not allowed/);
  const some = ['Array.prototype[Symbol.iterator]', 'Function.prototype.call, apply, bind', 'Object functions', 'Reflect',
    'fields of descriptors and options on Object.prototype', 'Promise.prototype and Promise functions'];
  const replaced = ['Object.defineProperty(Error, Symbol.hasInstance, { value: touch });', ...some.map((name) => poisons[name])];
  for (const poison of replaced) {
    const job = runJob(`${prelude}${look.replace('POISON', () => `{ ${poison} }`)}`, '--renew');
    assert.deepEqual(job.stdout.split('\n'), wanted.stdout.split('\n'), poison);
  }
});
