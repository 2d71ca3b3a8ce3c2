// CryptoKey and SubtleCrypto as objects; operations that go together: wrapping, deriving, cloning, arguments that change meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runJob } from './shell.mjs';
import { prelude } from './subtle_cases.mjs';

test('interfaces are as Web IDL has them', () => {
  const r = runCases(`${prelude}
    const own = (o) => Object.getOwnPropertyNames(o).sort(), tag = (o) => Object.prototype.toString.call(o);
    const key = await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', true, ['decrypt', 'encrypt', 'decrypt']);
    const enumerable = (o) => { const names = []; for (const n in o) names.push(n); return names.sort(); };
    show('names', [SubtleCrypto.name, CryptoKey.name, SubtleCrypto.length, CryptoKey.length, tag(subtle), tag(key), tag(Crypto.prototype)]);
    show('members', [own(SubtleCrypto), own(CryptoKey), enumerable(subtle), enumerable(key)]);
    show('lengths', enumerable(subtle).map((n) => [n, subtle[n].length]));
    show('same', [crypto.subtle === crypto.subtle, key.algorithm === key.algorithm, key.usages === key.usages, Object.isFrozen(key.usages)]);
    show('usages', key.usages);
    key.usages.push('sign'); key.algorithm.name = 'HMAC';
    show('what a script changes changes no key', [hex(await subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, new Uint8Array(0))).length,
      (await subtle.sign('HMAC', key, new Uint8Array(1)).catch((e) => e.name)), (await subtle.exportKey('jwk', key)).key_ops]);
    show('attributes', Object.entries(Object.getOwnPropertyDescriptors(CryptoKey.prototype)).filter(([n]) => n !== 'constructor').map(([n, d]) => [n, typeof d.get, d.set]));
    const refused = subtle.digest();
    show('promise', Object.getPrototypeOf(refused) === Promise.prototype && (await refused.catch((e) => e instanceof TypeError)));`);
  assert.deepEqual(r.names, ['SubtleCrypto', 'CryptoKey', 0, 0, '[object SubtleCrypto]', '[object CryptoKey]', '[object Crypto]']);
  const methods = ['decapsulateBits', 'decapsulateKey', 'decrypt', 'deriveBits', 'deriveKey', 'digest', 'encapsulateBits', 'encapsulateKey', 'encrypt',
    'exportKey', 'generateKey', 'getPublicKey', 'importKey', 'sign', 'unwrapKey', 'verify', 'wrapKey'];
  assert.deepEqual(r.members, [['length', 'name', 'prototype'], ['length', 'name', 'prototype'], methods, ['algorithm', 'extractable', 'type', 'usages']]);
  assert.deepEqual(Object.fromEntries(r.lengths), { decapsulateBits: 3, decapsulateKey: 6, decrypt: 3, deriveBits: 2, deriveKey: 5, digest: 2, encapsulateBits: 2, encapsulateKey: 5,
    encrypt: 3, exportKey: 2, generateKey: 3, getPublicKey: 2, importKey: 5, sign: 3, unwrapKey: 7, verify: 4, wrapKey: 4 });
  assert.deepEqual(r.same, [true, true, true, false]);
  assert.deepEqual(r.usages, ['encrypt', 'decrypt']);
  assert.deepEqual(r['what a script changes changes no key'], [32, 'InvalidAccessError', ['encrypt', 'decrypt']]);
  assert.deepEqual(r.attributes.filter(([, kind]) => kind !== 'undefined'), [['type', 'function', null], ['extractable', 'function', null], ['algorithm', 'function', null], ['usages', 'function', null]]);
  assert.equal(r.promise, true);
});

test('keys are wrapped and unwrapped in every format', () => {
  const r = runCases(`${prelude}
    const iv = new Uint8Array(16), e = new Uint8Array([1, 0, 1]);
    const oaep = await subtle.generateKey({ name: 'RSA-OAEP', hash: 'SHA-1', modulusLength: 2048, publicExponent: e }, false, ['wrapKey', 'unwrapKey']);
    const kw = await subtle.generateKey({ name: 'AES-KW', length: 256 }, false, ['wrapKey', 'unwrapKey']);
    const wrappers = { 'AES-KW': [kw, kw, 'AES-KW'], 'RSA-OAEP': [oaep.publicKey, oaep.privateKey, 'RSA-OAEP'] };
    for (const [name, more] of [['AES-GCM', { iv: new Uint8Array(12) }], ['AES-CBC', { iv }], ['AES-CTR', { counter: iv, length: 64 }]]) {
      const key = await subtle.generateKey({ name, length: 128 }, false, ['wrapKey', 'unwrapKey']);
      wrappers[name] = [key, key, { name, ...more }];
    }
    const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }, pair = await subtle.generateKey(ecdsa, true, ['sign', 'verify']);
    const ed = await subtle.generateKey('Ed25519', true, ['sign', 'verify']), aes = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
    const hmac = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-512' }, true, ['sign']);
    const subjects = [[aes, { name: 'AES-GCM' }, ['raw', 'jwk']], [hmac, { name: 'HMAC', hash: 'SHA-512' }, ['raw', 'jwk']], [pair.privateKey, ecdsa, ['pkcs8', 'jwk']], [pair.publicKey, ecdsa, ['raw', 'spki', 'jwk']],
      [ed.privateKey, { name: 'Ed25519' }, ['pkcs8', 'jwk']]];
    const same = async (a, b, format) => JSON.stringify(await subtle.exportKey('jwk', a)) === JSON.stringify(await subtle.exportKey('jwk', b));
    for (const [name, [to, from, use]] of Object.entries(wrappers)) {
      const told = [];
      for (const [key, algorithm, formats] of subjects) for (const format of formats) {
        try {
          const wrapped = await subtle.wrapKey(format, key, to, use);
          told.push(await same(key, await subtle.unwrapKey(format, wrapped, from, use, algorithm, true, key.usages)));
        } catch (error) { told.push(error.name); }
      }
      show(name, told);
    }`);
  const all = Array(11).fill(true);
  for (const name of ['AES-GCM', 'AES-CBC', 'AES-CTR']) assert.deepEqual(r[name], all, name);
  // RFC 3394 wraps whole blocks of 8 bytes; RSA-OAEP less than its modulus.
  for (const name of ['AES-KW', 'RSA-OAEP']) {
    assert.ok(r[name].every((x) => x === true || x === 'OperationError'), `${name}: ${r[name]}`);
    assert.equal(r[name][0], true);
    assert.equal(r[name][2], true);
  }
});

test('derived keys are those of the derived bits', () => {
  const r = runCases(`${prelude}
    const salt = text('salt'), info = text('info'), raw = await subtle.importKey('raw', text('secret'), 'HKDF', false, ['deriveBits', 'deriveKey']);
    const password = await subtle.importKey('raw', text('secret'), 'PBKDF2', false, ['deriveBits', 'deriveKey']);
    const one = await subtle.generateKey('X25519', false, ['deriveBits', 'deriveKey']), two = await subtle.generateKey('X25519', false, ['deriveBits', 'deriveKey']);
    const sources = [[{ name: 'HKDF', hash: 'SHA-256', salt, info }, raw], [{ name: 'PBKDF2', hash: 'SHA3-256', salt, iterations: 10 }, password], [{ name: 'X25519', public: two.publicKey }, one.privateKey]];
    for (const [algorithm, base] of sources) {
      const key = await subtle.deriveKey(algorithm, base, { name: 'AES-GCM', length: 128 }, true, ['encrypt']), mac = await subtle.deriveKey(algorithm, base, { name: 'HMAC', hash: 'SHA-256', length: 256 }, true, ['sign']);
      const again = await subtle.deriveKey(algorithm, base, 'HKDF', false, ['deriveBits']).catch((e) => e.name);
      show(algorithm.name, [hex(await subtle.exportKey('raw', key)) === hex(await subtle.deriveBits(algorithm, base, 128)), hex(await subtle.exportKey('raw', mac)) === hex(await subtle.deriveBits(algorithm, base, 256)), again.type ?? again]);
    }`);
  assert.deepEqual(r, { HKDF: [true, true, 'OperationError'], PBKDF2: [true, true, 'OperationError'], X25519: [true, true, 'secret'] });
});

test('keys are cloned, and nothing else that looks like one', () => {
  const r = runCases(`${prelude}
    const key = await subtle.importKey('raw', new Uint8Array(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']), { privateKey } = await subtle.generateKey('Ed25519', false, ['sign']);
    const copy = structuredClone({ list: [key, key], map: new Map([[1, privateKey]]), error: new DOMException('x', 'AbortError'), get inner() { return structuredClone(key); } });
    show('copies', [copy.list[0] === copy.list[1], copy.list[0] !== key, copy.list[0] instanceof CryptoKey, copy.list[0].extractable, copy.map.get(1).algorithm.name, copy.error.name, copy.inner.type]);
    show('used', await subtle.verify('HMAC', copy.list[0], await subtle.sign('HMAC', key, text('m')), text('m')));
    show('kept', await subtle.exportKey('raw', copy.list[0]).catch((e) => e.name));
    show('like one', structuredClone(Object.create(CryptoKey.prototype, { type: { value: 'secret', enumerable: true } })) instanceof CryptoKey);`);
  assert.deepEqual(r.copies, [true, true, true, false, 'Ed25519', 'AbortError', 'secret']);
  assert.equal(r.used, true);
  assert.equal(r.kept, 'InvalidAccessError');
  assert.equal(r['like one'], false);
});

test('arguments that change after the call, or while the algorithm is read', () => {
  const r = runCases(`${prelude}
    const iv = new Uint8Array(12), key = await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', true, ['encrypt']);
    const plain = new Uint8Array(20), algorithm = { name: 'AES-GCM', iv };
    const want = hex(await subtle.encrypt(algorithm, key, plain));
    const promise = subtle.encrypt(algorithm, key, plain);
    plain.fill(9); iv.fill(9); algorithm.name = 'AES-CBC';
    show('after', hex(await promise) === want);
    const data = new Uint8Array(3);
    const digest = subtle.digest({ get name() { data.fill(7); return 'SHA-256'; } }, data);
    show('while', hex(await digest) === hex(await subtle.digest('SHA-256', new Uint8Array(3).fill(7))));
    const gone = new Uint8Array(3);
    show('gone', hex(await subtle.digest({ get name() { structuredClone(gone.buffer, { transfer: [gone.buffer] }); return 'SHA-256'; } }, gone)) === hex(await subtle.digest('SHA-256', new Uint8Array(0))));
    const seen = [];
    const spy = new Proxy({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(1), info: new Uint8Array(1) }, { get(t, k) { seen.push(k); return t[k]; } });
    await subtle.deriveBits(spy, await subtle.importKey('raw', data, 'HKDF', false, ['deriveBits']), 8);
    show('order', seen);`);
  assert.deepEqual(r, { after: true, while: true, gone: true, order: ['name', 'name', 'hash', 'info', 'salt'] });
});

test('a key is printed with what may be known of it', () => {
  const { stdout } = runJob(`console.log(await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']), crypto.subtle)`);
  assert.equal(stdout, `CryptoKey {
  type: 'secret',
  extractable: false,
  algorithm: { name: 'AES-GCM', length: 128 },
  usages: [ 'encrypt' ]
} SubtleCrypto {}\n`);
});
