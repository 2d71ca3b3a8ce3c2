// crypto.subtle with arguments of every kind: what it throws is a TypeError or one of the standard's errors, and nothing ends the process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases } from './shell.mjs';
import { prelude } from './subtle_cases.mjs';

const setup = `${prelude}
let seed = SEED;
const next = (n) => { seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5; return (seed >>> 0) % n; };
const pick = (list) => list[next(list.length)];
const detached = () => { const b = new Uint8Array(16); structuredClone(b.buffer, { transfer: [b.buffer] }); return b; };
const victim = () => { const b = new Uint8Array(32); return { b, steal: () => structuredClone(b.buffer, { transfer: [b.buffer] }) }; };
const all = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey', 'encapsulateKey', 'encapsulateBits', 'decapsulateKey', 'decapsulateBits'];
const e = new Uint8Array([1, 0, 1]);
const keys = [];
for (const [algorithm, usages] of [[{ name: 'AES-GCM', length: 128 }, ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey']], [{ name: 'AES-CTR', length: 256 }, ['encrypt', 'decrypt']], [{ name: 'AES-CBC', length: 256 }, ['encrypt', 'decrypt']],
  [{ name: 'AES-KW', length: 192 }, ['wrapKey', 'unwrapKey']], [{ name: 'HMAC', hash: 'SHA3-256' }, ['sign', 'verify']], [{ name: 'RSA-OAEP', hash: 'SHA-1', modulusLength: 512, publicExponent: e }, ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey']],
  [{ name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 768, publicExponent: e }, ['sign', 'verify']], [{ name: 'ECDSA', namedCurve: 'P-256' }, ['sign', 'verify']], [{ name: 'ECDH', namedCurve: 'P-521' }, ['deriveBits', 'deriveKey']],
  [{ name: 'Ed25519' }, ['sign', 'verify']], [{ name: 'X25519' }, ['deriveBits', 'deriveKey']], [{ name: 'Ed448' }, ['sign', 'verify']], [{ name: 'ML-KEM-512' }, all.slice(8)], [{ name: 'ML-DSA-44' }, ['sign', 'verify']]]) {
  const made = await subtle.generateKey(algorithm, true, usages);
  keys.push(...(made.privateKey ? [made.publicKey, made.privateKey] : [made]));
}
for (const name of ['HKDF', 'PBKDF2']) keys.push(await subtle.importKey('raw', new Uint8Array(3), name, false, ['deriveBits', 'deriveKey']));
const names = [...keys.map((k) => k.algorithm.name), 'SHA-1', 'SHA-512', 'SHA3-384', 'nonsense', ''];
const bytes = () => pick([new Uint8Array(0), new Uint8Array(1), new Uint8Array(12), new Uint8Array(16), new Uint8Array(32), new Uint8Array(64).fill(255), new Uint8Array(1000).subarray(7), new ArrayBuffer(24),
  new DataView(new ArrayBuffer(9), 3), new Float64Array(3), detached(), new Uint8Array(new ArrayBuffer(8, { maxByteLength: 64 })), 'text', [1, 2], null, undefined, 5]);
const number = () => pick([0, 1, 8, 20, 64, 128, 129, 256, 65535, 65536, 2 ** 31, 2 ** 32, -1, 1.5, NaN, Infinity, '16', null, {}, 5n]);
const encodings = [];
for (const key of keys) for (const format of ['raw', 'raw-seed', 'spki', 'pkcs8', 'jwk']) await subtle.exportKey(format, key).then((x) => encodings.push(x), () => {});
const damaged = () => {
  const x = pick(encodings);
  if (x instanceof ArrayBuffer) { const b = new Uint8Array(x.slice(0, x.byteLength - next(3))); for (let i = next(4); i > 0; i--) b[next(b.length)] ^= 1 << next(8); return b; }
  const j = { ...x }; j[pick(Object.keys(j))] = pick([undefined, '', 'AA', 'A', '*', 'A'.repeat(500), 5, {}, ['sign'], x.n, x.d]); return j;
};
const algorithm = () => {
  const name = pick(names);
  if (next(4) === 0) return pick([name, undefined, null, 7, {}, Symbol('s'), new Proxy({}, {})]);
  const { b, steal } = victim();
  return { name, hash: pick(['SHA-256', 'SHA-1', { name: 'SHA3-512' }, 'MD5', undefined, { get name() { steal(); return 'SHA-384'; } }]), iv: pick([bytes(), b]), counter: pick([new Uint8Array(16), bytes()]), length: number(), tagLength: pick([undefined, 96, number()]),
    additionalData: pick([undefined, bytes(), b]), label: pick([undefined, bytes()]), saltLength: number(), salt: bytes(), info: bytes(), iterations: next(50), namedCurve: pick(['P-256', 'P-384', 'P-521', 'x', undefined]),
    public: pick([...keys, {}, undefined]), context: pick([undefined, bytes()]), modulusLength: pick([512, 100, number()]) > 1024 ? 512 : 256, publicExponent: pick([e, bytes()]) };
};
// An algorithm and a key, mostly of that algorithm.
const use = () => { const key = pick(keys), a = algorithm(); return [typeof a === 'object' && a !== null && next(5) ? { ...a, name: key.algorithm.name } : a, key]; };
const arguments_ = {
  encrypt: () => [...use(), bytes()], decrypt: () => [...use(), bytes()], sign: () => [...use(), bytes()], verify: () => [...use(), bytes(), bytes()], digest: () => [algorithm(), bytes()],
  generateKey: () => [algorithm(), pick([true, false, 0]), usages()], importKey: () => [pick(formats), pick([damaged(), bytes(), pick(encodings)]), algorithm(), true, usages()], exportKey: () => [pick(formats), pick(keys)],
  deriveBits: () => [...use(), pick([8, 64, 256, 257, null, undefined, 9])], deriveKey: () => [...use(), algorithm(), true, usages()], wrapKey: () => [pick(formats), pick(keys), pick(keys), algorithm()],
  unwrapKey: () => [pick(formats), bytes(), pick(keys), algorithm(), algorithm(), true, usages()], getPublicKey: () => [pick(keys), usages()], encapsulateBits: () => use(), encapsulateKey: () => [...use(), algorithm(), true, usages()],
  decapsulateBits: () => [...use(), pick([new Uint8Array(768), bytes()])], decapsulateKey: () => [...use(), new Uint8Array(768), algorithm(), true, usages()],
};
const formats = ['raw', 'raw-public', 'raw-secret', 'raw-seed', 'spki', 'pkcs8', 'jwk', 'pem', undefined];
const usages = () => pick([[], [pick(all)], [pick(all), pick(all)], ['sign'], ['verify'], ['encrypt'], ['deriveBits'], ['nonsense'], undefined, 'text', { [Symbol.iterator]() { throw new TypeError('mine'); } }]);
const standard = new Set(['SyntaxError', 'InvalidAccessError', 'OperationError', 'DataError', 'NotSupportedError', 'DataCloneError']);
let fine = 0, refused = 0; const wrong = [];
for (let i = 0; i < ROUNDS; i++) {
  const method = pick(Object.keys(arguments_)), given = arguments_[method](), wild = next(20) === 0;
  if (wild) given[next(given.length)] = pick([undefined, null, 1, 'x', [], {}, Symbol('s'), () => {}, 5n, new Proxy(function () {}, {}), pick(keys)]);
  try { await subtle[method](...given); fine++; } catch (error) {
    refused++;
    if (!(error instanceof TypeError) && !(error instanceof DOMException && standard.has(error.name))) wrong.push(method + ': ' + error.name + ': ' + error.message);
  }
}
show('fine', fine); show('refused', refused); show('wrong', wrong.slice(0, 5));
`;

for (const seed of [1, 20261121]) {
  test(`4000 calls with arguments of every kind, seed ${seed}`, () => {
    const r = runCases(setup.replace('SEED', seed).replace('ROUNDS', 4000), '--memory-mb', '512');
    assert.deepEqual(r.wrong, []);
    assert.ok(r.fine > 50 && r.refused > 1000, `${r.fine} fine, ${r.refused} refused`);
  });
}
