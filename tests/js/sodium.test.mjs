// sodium against published test vectors (vectors/*.json, each with its source), and its own behaviour:
// argument checks, round trips, streaming, cost limits.
//
// A case is {call, args, result | throws | changes} or {stream, init, chunks, result}. Bytes are written
// "hex:…" or "text:…", a constant of sodium "const:NAME"; other strings are strings.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { runCases, runJob } from './shell.mjs';

const folder = new URL('./vectors/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const vectors = files.map((name) => ({ name, ...JSON.parse(readFileSync(new URL(name, folder))) }));

// Runs in the engine. Bytes come back as "hex:…".
const runner = `
const own = (a) => {
  if (typeof a !== 'string') return a;
  if (a.startsWith('hex:')) return Uint8Array.fromHex(a.slice(4));
  if (a.startsWith('text:')) return new TextEncoder().encode(a.slice(5));
  return a.startsWith('const:') ? sodium[a.slice(6)] : a;
};
const plain = (v) => v instanceof Uint8Array ? 'hex:' + v.toHex()
  : typeof v === 'object' && v !== null ? Object.fromEntries(Object.entries(v).map(([k, w]) => [k, plain(w)])) : v;
function run(c) {
  try {
    if (c.stream === undefined) {
      const args = c.args.map(own);
      const result = sodium[c.call](...args);
      return c.changes === undefined ? { result: plain(result) } : { changes: plain(args[0]) };
    }
    const state = sodium[c.stream + 'Init'](...c.init.map(own));
    for (const chunk of c.chunks) sodium[c.stream + 'Update'](state, own(chunk));
    if (c.seed === undefined) return { result: plain(sodium[c.stream + 'Final'](state)) };
    const pair = sodium.cryptoSignSeedKeypair(own(c.seed));
    return { result: plain(sodium[c.stream + 'FinalCreate'](state, pair.secretKey)) };
  } catch (e) { return { throws: e.name, message: e.message }; }
}
for (const c of job.input) console.log(JSON.stringify(run(c)));
`;

const normal = (value) => {
  if (typeof value === 'string' && value.startsWith('text:'))
    return `hex:${Buffer.from(value.slice(5)).toString('hex')}`;
  return value;
};

for (const { name, source, cases } of vectors) {
  test(`${name}: ${cases.length} vectors of ${source}`, () => {
    const job = runJob(runner, '--input', JSON.stringify(cases));
    assert.equal(job.end, 'ok', `${job.name}: ${job.message}`);
    const results = job.stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(results.length, cases.length);
    cases.forEach((c, i) => {
      const { message, ...got } = results[i];
      const about = `${c.call ?? c.stream} ${JSON.stringify(c.args ?? c.init).slice(0, 200)} (${message ?? ''})`;
      if (c.throws) assert.deepEqual(got, { throws: c.throws }, about);
      else if (c.changes !== undefined) assert.deepEqual(got, { changes: c.changes }, about);
      else assert.deepEqual(got, { result: normal(c.result) }, about);
    });
  });
}

test('every family has vectors', () => {
  const tried = new Set(vectors.flatMap(({ cases }) => cases.map((c) => c.call ?? c.stream)));
  const families = ['cryptoGenerichash', 'cryptoHashSha256', 'cryptoHashSha512', 'cryptoShorthash', 'cryptoAuth',
    'cryptoAuthHmacsha256', 'cryptoAuthHmacsha512', 'cryptoOnetimeauth', 'cryptoSign', 'cryptoSignDetached',
    'cryptoSignEd25519PkToCurve25519', 'cryptoSecretboxEasy', 'cryptoSecretboxDetached', 'cryptoBoxEasy',
    'cryptoBoxDetached', 'cryptoBoxBeforenm', 'cryptoAeadXchacha20poly1305IetfEncrypt',
    'cryptoAeadChacha20poly1305IetfEncrypt', 'cryptoKdfDeriveFromKey', 'cryptoPwhash', 'cryptoPwhashStrVerify',
    'cryptoScalarmult', 'cryptoScalarmultBase', 'cryptoPwhashScryptsalsa208sha256Ll', 'cryptoKdfHkdfSha256Expand', 'cryptoKdfHkdfSha512Expand',
    'cryptoKxSeedKeypair', 'cryptoCoreRistretto255FromHash', 'cryptoScalarmultEd25519', 'cryptoStreamXsalsa20', 'cryptoStreamSalsa20',
    'cryptoStreamChacha20', 'cryptoStreamChacha20IetfXorIc', 'cryptoCoreHchacha20', 'cryptoShorthashSiphashx24', 'cryptoAuthHmacsha512256',
    'cryptoAeadChacha20poly1305Encrypt', 'cryptoAeadAes256gcmEncrypt', 'cryptoOnetimeauth', 'memcmp', 'increment', 'bin2hex', 'base642bin', 'pad'];
  for (const name of families) assert.ok(tried.has(name), name);
});

test('names and constants are libsodium\'s', () => {
  const r = runCases(`
    const names = Object.keys(sodium);
    show('functions', names.filter((n) => typeof sodium[n] === 'function').length);
    show('shape', names.every((n) => typeof sodium[n] === 'function' ? /^[a-z][A-Za-z0-9]+$/.test(n) && sodium[n].name === n
      : /^[A-Z][A-Z0-9_]+$/.test(n) && Number.isInteger(sodium[n])));
    show('sizes', [sodium.CRYPTO_SECRETBOX_KEYBYTES, sodium.CRYPTO_SECRETBOX_NONCEBYTES, sodium.CRYPTO_SIGN_BYTES,
      sodium.CRYPTO_BOX_SEALBYTES, sodium.CRYPTO_AEAD_XCHACHA20POLY1305_IETF_NPUBBYTES, sodium.CRYPTO_PWHASH_SALTBYTES]);
    show('lengths', [sodium.cryptoSecretboxEasy.length, sodium.cryptoGenerichash.length, sodium.cryptoSignKeypair.length]);
    try { new sodium.cryptoSignKeypair(); show('new', 'no error'); } catch (e) { show('new', e.name); }
    show('tag', Object.prototype.toString.call(sodium));`);
  assert.ok(r.functions > 200);
  assert.equal(r.shape, true);
  assert.deepEqual(r.sizes, [32, 24, 64, 48, 24, 16]);
  assert.deepEqual(r.lengths, [3, 2, 0]);
  assert.equal(r.new, 'TypeError');
  assert.equal(r.tag, '[object sodium]');
});

test('round trips with fresh keys', () => {
  const r = runCases(`
    const bytes = (n) => sodium.randombytesBuf(n), same = (a, b) => sodium.memcmp(a, b);
    for (const n of [0, 1, 100, 100000]) {
      const m = bytes(n), ad = bytes(9), { publicKey: ap, secretKey: as } = sodium.cryptoBoxKeypair(), b = sodium.cryptoBoxKeypair();
      const n24 = bytes(24), key = sodium.cryptoSecretboxKeygen(), shared = sodium.cryptoBoxBeforenm(b.publicKey, as);
      const sealed = sodium.cryptoBoxSeal(m, b.publicKey);
      const nonce = sodium.cryptoGenerichashInit(null, 24);
      sodium.cryptoGenerichashUpdate(nonce, sealed.subarray(0, 32)); sodium.cryptoGenerichashUpdate(nonce, b.publicKey);
      const sign = sodium.cryptoSignKeypair(), st = sodium.cryptoSignInit(); sodium.cryptoSignUpdate(st, m);
      const sig = sodium.cryptoSignFinalCreate(st, sign.secretKey);
      const verify = () => { const s = sodium.cryptoSignInit(); sodium.cryptoSignUpdate(s, m); return s; };
      show('n' + n, [
        same(sodium.cryptoBoxOpenEasy(sodium.cryptoBoxEasy(m, n24, b.publicKey, as), n24, ap, b.secretKey), m),
        same(sodium.cryptoBoxSealOpen(sealed, b.publicKey, b.secretKey), m),
        // A sealed box is a box from a fresh key with a nonce made of both public keys.
        same(sodium.cryptoBoxOpenEasy(sealed.subarray(32), sodium.cryptoGenerichashFinal(nonce), sealed.subarray(0, 32), b.secretKey), m),
        same(sodium.cryptoBoxOpenEasyAfternm(sodium.cryptoBoxEasyAfternm(m, n24, shared), n24, sodium.cryptoBoxBeforenm(ap, b.secretKey)), m),
        same(sodium.cryptoSecretboxOpenEasy(sodium.cryptoSecretboxEasy(m, n24, key), n24, key), m),
        same(sodium.cryptoAeadXchacha20poly1305IetfDecrypt(sodium.cryptoAeadXchacha20poly1305IetfEncrypt(m, ad, n24, key), ad, n24, key), m),
        same(sodium.cryptoSignOpen(sodium.cryptoSign(m, sign.secretKey), sign.publicKey), m),
        sodium.cryptoSignFinalVerify(verify(), sig, sign.publicKey), !sodium.cryptoSignFinalVerify(verify(), sig, ap),
        same(sodium.cryptoScalarmult(as, b.publicKey), sodium.cryptoScalarmult(b.secretKey, ap)),
        same(sodium.hex2bin(sodium.bin2hex(m)), m), same(sodium.base642bin(sodium.bin2base64(m, 7), 7), m),
        same(sodium.unpad(sodium.pad(m, 16), 16), m)]);
    }
    show('keygens', Object.keys(sodium).filter((n) => n.endsWith('Keygen')).map((n) => [n, same(sodium[n](), sodium[n]()), sodium[n]().length]));
    show('uniform', Array.from({ length: 2000 }, () => sodium.randombytesUniform(10)).every((x) => x >= 0 && x < 10 && Number.isInteger(x)));
    show('hashed', (() => { const p = bytes(8), h = sodium.cryptoPwhashStr(p, 1, 8192); return [h.slice(0, 30),
      sodium.cryptoPwhashStrVerify(h, p), sodium.cryptoPwhashStrVerify(h, bytes(8)), sodium.cryptoPwhashStrNeedsRehash(h, 1, 8192), sodium.cryptoPwhashStrNeedsRehash(h, 2, 8192)]; })());`);
  for (const n of [0, 1, 100, 100000]) assert.ok(r[`n${n}`].every((x) => x === true), `${n}: ${r[`n${n}`]}`);
  for (const [name, same, length] of r.keygens) {
    assert.equal(same, false, name);
    assert.ok(length === 16 || length === (name === 'cryptoKdfHkdfSha512Keygen' ? 64 : 32), name);
  }
  assert.equal(r.keygens.length, 23);
  assert.equal(r.uniform, true);
  assert.deepEqual(r.hashed, ['$argon2id$v=19$m=8,t=1,p=1$' + r.hashed[0].slice(27), true, false, false, true]);
});

test('arguments are checked, by name', () => {
  const r = runCases(`
    const b = (n) => new Uint8Array(n), fault = (f) => { try { f(); return 'no error'; } catch (e) { return e.name + ': ' + e.message; } };
    const gone = b(4); structuredClone(gone.buffer, { transfer: [gone.buffer] });
    show('length', fault(() => sodium.cryptoSecretboxEasy(b(1), b(12), b(32))));
    show('string', fault(() => sodium.cryptoSecretboxEasy('text', b(24), b(32))));
    show('missing', fault(() => sodium.cryptoSecretboxEasy()));
    show('array', fault(() => sodium.cryptoHashSha256([1, 2])));
    show('buffer', fault(() => sodium.cryptoHashSha256(new ArrayBuffer(2))));
    show('view', fault(() => sodium.cryptoHashSha256(new Uint16Array(2))));
    show('null', fault(() => sodium.cryptoHashSha256(null)));
    show('detached', fault(() => sodium.cryptoHashSha256(gone)));
    show('proxy', fault(() => sodium.cryptoHashSha256(new Proxy(b(2), {}))));
    show('number', fault(() => sodium.randombytesBuf('5')));
    show('negative', fault(() => sodium.randombytesBuf(-1)));
    show('fraction', fault(() => sodium.randombytesBuf(1.5)));
    show('nan', fault(() => sodium.randombytesBuf(NaN)));
    show('valueOf', fault(() => sodium.randombytesBuf({ valueOf() { return 5; } })));
    show('bigint', sodium.bin2hex(sodium.cryptoKdfDeriveFromKey(16, 2n ** 64n - 1n, b(8), b(32))).length);
    show('big', fault(() => sodium.cryptoKdfDeriveFromKey(16, 2n ** 64n, b(8), b(32))));
    show('hash', fault(() => sodium.cryptoGenerichash(15, b(1))));
    show('key', fault(() => sodium.cryptoGenerichash(32, b(1), b(15))));
    show('short', fault(() => sodium.cryptoBoxOpenEasy(b(15), b(24), b(32), b(32))));
    show('open', fault(() => sodium.cryptoSecretboxOpenEasy(b(16), b(24), b(32))));
    show('state', fault(() => sodium.cryptoGenerichashUpdate({}, b(1))));
    show('other state', fault(() => sodium.cryptoGenerichashUpdate(sodium.cryptoHashSha256Init(), b(1))));
    show('state proxy', fault(() => sodium.cryptoGenerichashUpdate(new Proxy(sodium.cryptoGenerichashInit(null, 32), {}), b(1))));
    show('ended', (() => { const s = sodium.cryptoGenerichashInit(null, 32); sodium.cryptoGenerichashFinal(s); return fault(() => sodium.cryptoGenerichashFinal(s)); })());
    show('cloned', (() => { const s = structuredClone(sodium.cryptoGenerichashInit(null, 32)); return fault(() => sodium.cryptoGenerichashFinal(s)); })());
    show('memory', fault(() => sodium.cryptoPwhash(32, b(1), b(16), 1, 2 ** 31, 2)));
    show('passes', fault(() => sodium.cryptoPwhash(32, b(1), b(16), 5, 2 ** 30, 2)));
    show('argon2i', fault(() => sodium.cryptoPwhash(32, b(1), b(16), 2, 8192, 1)));
    show('algorithm', fault(() => sodium.cryptoPwhash(32, b(1), b(16), 2, 8192, 3)));
    show('costly', fault(() => sodium.cryptoPwhashStrVerify('$argon2id$v=19$m=1048576,t=1000000,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG', b(1))));
    show('huge', fault(() => sodium.cryptoPwhashStrVerify('$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG', b(1))));
    show('nonsense', sodium.cryptoPwhashStrVerify('nonsense', b(1)));
    show('overflow', fault(() => sodium.randombytesBuf(2 ** 31)));`);
  assert.deepEqual(r, {
    length: 'RangeError: sodium.cryptoSecretboxEasy: nonce must be 24 bytes, found 12',
    string: 'TypeError: sodium.cryptoSecretboxEasy: message must be a Uint8Array (TextEncoder makes one of a string), found string',
    missing: 'TypeError: sodium.cryptoSecretboxEasy: message must be a Uint8Array, found undefined',
    array: 'TypeError: sodium.cryptoHashSha256: message must be a Uint8Array, found Array',
    buffer: 'TypeError: sodium.cryptoHashSha256: message must be a Uint8Array, found ArrayBuffer',
    view: 'TypeError: sodium.cryptoHashSha256: message must be a Uint8Array, found Uint16Array',
    null: 'TypeError: sodium.cryptoHashSha256: message must be a Uint8Array, found null',
    detached: 'TypeError: sodium.cryptoHashSha256: message must be a Uint8Array whose buffer is not detached, found Uint8Array',
    proxy: 'TypeError: sodium.cryptoHashSha256: message must be a Uint8Array, found Object',
    number: 'TypeError: sodium.randombytesBuf: length must be an integer from 0 to 1073741824, found string',
    negative: 'RangeError: sodium.randombytesBuf: length must be an integer from 0 to 1073741824, found -1',
    fraction: 'RangeError: sodium.randombytesBuf: length must be an integer from 0 to 1073741824, found 1.5',
    nan: 'RangeError: sodium.randombytesBuf: length must be an integer from 0 to 1073741824, found nan',
    valueOf: 'TypeError: sodium.randombytesBuf: length must be an integer from 0 to 1073741824, found Object',
    bigint: 32,
    big: 'RangeError: sodium.cryptoKdfDeriveFromKey: subkeyId must be an integer from 0 to 18446744073709551615, found a BigInt out of range',
    hash: 'RangeError: sodium.cryptoGenerichash: hashLength must be an integer from 16 to 64, found 15',
    key: 'RangeError: sodium.cryptoGenerichash: key must be 16 to 64 bytes, found 15',
    short: 'RangeError: sodium.cryptoBoxOpenEasy: ciphertext must be at least 16 bytes, found 15',
    open: 'Error: sodium.cryptoSecretboxOpenEasy: the key or nonce is wrong, or the message was altered',
    state: 'TypeError: sodium.cryptoGenerichashUpdate: state must be a state made by cryptoGenerichashInit and not finished yet, found Object',
    'other state': 'TypeError: sodium.cryptoGenerichashUpdate: state must be a state made by cryptoGenerichashInit and not finished yet, found Object',
    'state proxy': 'TypeError: sodium.cryptoGenerichashUpdate: state must be a state made by cryptoGenerichashInit and not finished yet, found Object',
    ended: 'TypeError: sodium.cryptoGenerichashFinal: state must be a state made by cryptoGenerichashInit and not finished yet, found Object',
    cloned: 'TypeError: sodium.cryptoGenerichashFinal: state must be a state made by cryptoGenerichashInit and not finished yet, found Object',
    memory: 'RangeError: sodium.cryptoPwhash: memlimit must be an integer from 8192 to 1073741824, found 2147483648',
    passes: 'RangeError: sodium.cryptoPwhash: opslimit must be an integer from 1 to 4, found 5',
    argon2i: 'RangeError: sodium.cryptoPwhash: opslimit must be an integer from 3 to 524288, found 2',
    algorithm: 'RangeError: sodium.cryptoPwhash: algorithm must be an integer from 1 to 2, found 3',
    costly: 'RangeError: sodium.cryptoPwhashStrVerify: hashed must be a hash of at most 4 GiB × passes, found 1048576 KiB × 1000000',
    huge: 'RangeError: sodium.cryptoPwhashStrVerify: hashed must be a hash of at most 4 GiB × passes, found 4294967295 KiB × 1',
    nonsense: false,
    overflow: 'RangeError: sodium.randombytesBuf: length must be an integer from 0 to 1073741824, found 2147483648',
  });
});

test('every function survives arguments of every kind', () => {
  const r = runCases(`
    const odd = [undefined, null, true, 0, -1, 1.5, NaN, Infinity, 2 ** 53, 1n, 2n ** 70n, '', 'text', 'x'.repeat(1000), Symbol('s'),
      [], {}, () => {}, new Uint8Array(0), new Uint8Array(1), new Uint8Array(16), new Uint8Array(24), new Uint8Array(32),
      new Uint8Array(64), new Uint8Array(1000), new Uint8Array(new ArrayBuffer(64, { maxByteLength: 128 })), new Uint8ClampedArray(32),
      new Float64Array(4), new ArrayBuffer(32), new DataView(new ArrayBuffer(32)), new Proxy(new Uint8Array(32), {}),
      sodium.cryptoGenerichashInit(null, 32), sodium.cryptoHashSha256Init(), sodium.cryptoSignInit()];
    let calls = 0, threw = 0; let seed = 1; const next = (n) => { seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5; return (seed >>> 0) % n; };
    const slow = new Set(['cryptoPwhash', 'cryptoPwhashScryptsalsa208sha256', 'cryptoPwhashScryptsalsa208sha256Ll', 'cryptoPwhashScryptsalsa208sha256Str', 'cryptoPwhashStr', 'cryptoPwhashStrVerify', 'randombytesBuf', 'randombytesBufDeterministic']);
    const wrong = [];
    for (const name of Object.keys(sodium)) { const f = sodium[name]; if (typeof f !== 'function') continue;
      for (let i = 0; i < (slow.has(name) ? 30 : 300); i++) {
        const args = Array.from({ length: next(7) }, () => odd[next(odd.length)]);
        if (slow.has(name) && args.some((a) => typeof a === 'number' && a > 1e6)) continue;
        calls++;
        try { f.apply(odd[next(odd.length)], args); } catch (e) { threw++;
          if (!/^sodium\\./.test(e.message) || !['TypeError', 'RangeError', 'Error'].includes(e.name)) wrong.push(e.name + ': ' + e.message); } } }
    show('enough', calls > 20000 && threw > 10000); show('wrong', wrong.slice(0, 5));`);
  assert.deepEqual(r, { enough: true, wrong: [] });
});

// What libsodium composes of its own parts is composed here again: xchacha boxes, secretstream, key exchange.
test('compositions are what their descriptions say', () => {
  const r = runCases(`
    const s = sodium, bytes = (n) => s.randombytesBuf(n), same = (a, b) => a.length === b.length && s.memcmp(a, b);
    const cat = (...parts) => Uint8Array.from(parts.flatMap((p) => [...p]));
    const m = bytes(200), key = bytes(32), n24 = bytes(24), zero = new Uint8Array(16);
    for (const [name, core] of [['Xchacha20', 'Hchacha20'], ['Xsalsa20', 'Hsalsa20']]) {
      const sub = s['cryptoCore' + core](n24.subarray(0, 16), key), short = name.slice(1, 2).toUpperCase() + name.slice(2);
      show(name, same(s['cryptoStream' + name + 'Xor'](m, n24, key), s['cryptoStream' + short + 'Xor'](m, n24.subarray(16), sub)));
      show(name + 'Ic', same(s['cryptoStream' + name + 'XorIc'](m.subarray(64), n24, 1, key), s['cryptoStream' + name + 'Xor'](m, n24, key).subarray(64)));
    }
    const stream = s.cryptoStreamXchacha20Xor(cat(new Uint8Array(32), m), n24, key);
    const box = s.cryptoSecretboxXchacha20poly1305Detached(m, n24, key);
    show('secretbox', same(box.ciphertext, stream.subarray(32)) && same(box.mac, s.cryptoOnetimeauth(box.ciphertext, s.cryptoStreamXchacha20(32, n24, key)))
      && same(s.cryptoSecretboxXchacha20poly1305Easy(m, n24, key), cat(box.mac, box.ciphertext))
      && same(s.cryptoSecretboxXchacha20poly1305OpenEasy(cat(box.mac, box.ciphertext), n24, key), m)
      && same(s.cryptoSecretboxXchacha20poly1305OpenDetached(box.ciphertext, box.mac, n24, key), m));
    const B = 'cryptoBoxCurve25519xchacha20poly1305', a = s[B + 'Keypair'](), b = s[B + 'SeedKeypair'](bytes(32));
    const shared = s[B + 'Beforenm'](b.publicKey, a.secretKey), closed = s[B + 'Easy'](m, n24, b.publicKey, a.secretKey), parts = s[B + 'Detached'](m, n24, b.publicKey, a.secretKey);
    show('box', [same(shared, s.cryptoCoreHchacha20(zero, s.cryptoScalarmult(a.secretKey, b.publicKey))), same(closed, s.cryptoSecretboxXchacha20poly1305Easy(m, n24, shared)),
      same(s[B + 'OpenEasy'](closed, n24, a.publicKey, b.secretKey), m), same(s[B + 'OpenEasyAfternm'](s[B + 'EasyAfternm'](m, n24, shared), n24, shared), m),
      same(s[B + 'OpenDetached'](parts.ciphertext, parts.mac, n24, a.publicKey, b.secretKey), m), same(s[B + 'SealOpen'](s[B + 'Seal'](m, b.publicKey), b.publicKey, b.secretKey), m),
      same(s[B + 'OpenDetachedAfternm'](s[B + 'DetachedAfternm'](m, n24, shared).ciphertext, s[B + 'DetachedAfternm'](m, n24, shared).mac, n24, shared), m)].every(Boolean));
    const client = s.cryptoKxKeypair(), server = s.cryptoKxKeypair();
    const ck = s.cryptoKxClientSessionKeys(client.publicKey, client.secretKey, server.publicKey), sk = s.cryptoKxServerSessionKeys(server.publicKey, server.secretKey, client.publicKey);
    show('kx', same(ck.sharedRx, sk.sharedTx) && same(ck.sharedTx, sk.sharedRx)
      && same(cat(ck.sharedRx, ck.sharedTx), s.cryptoGenerichash(64, cat(s.cryptoScalarmult(client.secretKey, server.publicKey), client.publicKey, server.publicKey))));
    // secretstream, as its documentation has it: block 0 of ChaCha20 keys Poly1305, block 1 hides the tag, the message follows.
    const sKey = s.cryptoSecretstreamXchacha20poly1305Keygen(), { state, header } = s.cryptoSecretstreamXchacha20poly1305InitPush(sKey), ad = bytes(5);
    const sub = s.cryptoCoreHchacha20(header.subarray(0, 16), sKey), nonce = cat([1, 0, 0, 0], header.subarray(16));
    const first = s.cryptoSecretstreamXchacha20poly1305Push(state, m, ad, s.CRYPTO_SECRETSTREAM_XCHACHA20POLY1305_TAG_MESSAGE);
    const le64 = (n) => new Uint8Array(new BigUint64Array([BigInt(n)]).buffer), padding = (n) => new Uint8Array((16 - (n % 16)) % 16);
    const tagBlock = s.cryptoStreamChacha20IetfXorIc(new Uint8Array(64), nonce, 1, sub), text = s.cryptoStreamChacha20IetfXorIc(m, nonce, 2, sub);
    // libsodium pads the text as if it began with the block of the tag, and counts that block.
    const polyPad = new Uint8Array((16 - 64 + m.length) & 15);
    const mac = s.cryptoOnetimeauth(cat(ad, padding(ad.length), tagBlock, text, polyPad, le64(ad.length), le64(64 + m.length)), s.cryptoStreamChacha20Ietf(32, nonce, sub));
    show('secretstream', [first.length === m.length + 17, first[0] === tagBlock[0], same(first.subarray(1, -16), text), same(first.subarray(-16), mac)].join());
    const sealed = [first], tags = s.CRYPTO_SECRETSTREAM_XCHACHA20POLY1305_TAG_REKEY;
    sealed.push(s.cryptoSecretstreamXchacha20poly1305Push(state, m, null, tags)); s.cryptoSecretstreamXchacha20poly1305Rekey(state);
    sealed.push(s.cryptoSecretstreamXchacha20poly1305Push(state, new Uint8Array(0), null, s.CRYPTO_SECRETSTREAM_XCHACHA20POLY1305_TAG_FINAL));
    const open = s.cryptoSecretstreamXchacha20poly1305InitPull(header, sKey), pull = (c, d) => s.cryptoSecretstreamXchacha20poly1305Pull(open, c, d);
    const fault = (f) => { try { f(); return 'none'; } catch (e) { return e.name + ': ' + e.message; } };
    show('order', fault(() => pull(sealed[1])));
    const got = [pull(sealed[0], ad), pull(sealed[1])]; s.cryptoSecretstreamXchacha20poly1305Rekey(open); got.push(pull(sealed[2]));
    show('stream', got.map(({ message, tag }) => [message.length, tag]));
    show('twice', fault(() => pull(sealed[2])));
    show('wrong end', fault(() => s.cryptoSecretstreamXchacha20poly1305Pull(state, first)));`);
  const { secretstream, order, stream, twice, 'wrong end': end, ...rest } = r;
  for (const [name, ok] of Object.entries(rest)) assert.equal(ok, true, name);
  assert.equal(secretstream, 'true,true,true,true');
  assert.deepEqual(stream, [[200, 0], [200, 2], [0, 3]]);
  const refused = 'Error: sodium.cryptoSecretstreamXchacha20poly1305Pull: the key is wrong, the message was altered, or it is not the next one';
  assert.deepEqual([order, twice], [refused, refused]);
  assert.match(end, /^TypeError: .*state must be a state made by cryptoSecretstreamXchacha20poly1305InitPull/);
});

test('pwhash memory counts against the job: over its budget the job ends', () => {
  const r = runJob(`sodium.cryptoPwhash(32, new Uint8Array(1), new Uint8Array(16), 1, 200 << 20, 2); console.log('not reached')`,
    '--memory-mb', '100');
  assert.equal(r.end, 'memory');
  assert.equal(r.stdout, '');
});

test('pwhash gives its memory back', () => {
  const r = runJob(`for (let i = 0; i < 20; i++) sodium.cryptoPwhash(32, new Uint8Array(1), new Uint8Array(16), 1, 20 << 20, 2);
    sodium.randombytesBuf(1000); console.log('done')`, '--memory-mb', '100');
  assert.equal(r.end, 'ok');
  assert.equal(r.stdout, 'done\n');
});
