// Texts that run as a job and in Node alike, for tests that compare the two. Both have `subtle`, `text(string)`, `hex(bytes)`, `unhex(string)`.
export const prelude = `
const { subtle } = globalThis.crypto;
const text = (s) => new TextEncoder().encode(s);
const hex = (b) => { let s = ''; for (const x of new Uint8Array(b)) s += x.toString(16).padStart(2, '0'); return s; };
const unhex = (s) => new Uint8Array((s.match(/../g) ?? []).map((x) => parseInt(x, 16)));
`;

// Kinds of keys: what makes one, its usages, and what is done with it.
export const kinds = [
  ...['AES-CTR', 'AES-CBC', 'AES-GCM'].flatMap((name) =>
    [128, 192, 256].map((length) => ({ name: `${name}-${length}`, algorithm: { name, length }, usages: ['encrypt', 'decrypt'] }))),
  ...[128, 192, 256].map((length) => ({ name: `AES-KW-${length}`, algorithm: { name: 'AES-KW', length }, usages: ['wrapKey', 'unwrapKey'] })),
  ...['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].map((hash) => ({ name: `HMAC ${hash}`, algorithm: { name: 'HMAC', hash }, usages: ['sign', 'verify'] })),
  { name: 'HMAC of 77 bits', algorithm: { name: 'HMAC', hash: 'SHA-256', length: 77 }, usages: ['sign', 'verify'] },
  ...['RSASSA-PKCS1-v1_5', 'RSA-PSS'].flatMap((name) => ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].map((hash) => ({
    name: `${name} ${hash}`, pair: true, algorithm: { name, hash, modulusLength: 1536, publicExponent: 'e' }, usages: ['sign', 'verify'], use: { saltLength: 20 } }))),
  ...['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].map((hash) => ({
    name: `RSA-OAEP ${hash}`, pair: true, algorithm: { name: 'RSA-OAEP', hash, modulusLength: 1536, publicExponent: 'e' }, usages: ['encrypt', 'decrypt'] })),
  ...['P-256', 'P-384', 'P-521'].map((namedCurve) => ({
    name: `ECDSA ${namedCurve}`, pair: true, algorithm: { name: 'ECDSA', namedCurve }, usages: ['sign', 'verify'], use: { hash: 'SHA-384' } })),
  ...['P-256', 'P-384', 'P-521'].map((namedCurve) => ({
    name: `ECDH ${namedCurve}`, pair: true, algorithm: { name: 'ECDH', namedCurve }, usages: ['deriveBits', 'deriveKey'] })),
  ...['Ed25519', 'Ed448'].map((name) => ({ name, pair: true, algorithm: { name }, usages: ['sign', 'verify'] })),
  ...['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'].map((name) => ({ name, pair: true, algorithm: { name }, usages: ['sign', 'verify'] })),
  ...['ML-KEM-512', 'ML-KEM-768', 'ML-KEM-1024'].map((name) => ({
    name, pair: true, algorithm: { name }, usages: ['encapsulateKey', 'encapsulateBits', 'decapsulateKey', 'decapsulateBits'] })),
  ...['X25519', 'X448'].map((name) => ({ name, pair: true, algorithm: { name }, usages: ['deriveBits', 'deriveKey'] })),
];

// One side makes keys, exports them in every format and uses them: {kind: {formats, signature, …}}.
export const make = `${prelude}
const message = text('a message of no importance');
const told = (key) => ({ type: key.type, extractable: key.extractable, algorithm: { ...key.algorithm,
  publicExponent: key.algorithm.publicExponent && hex(key.algorithm.publicExponent) }, usages: key.usages });
async function makeAll(kinds) {
  const out = {};
  for (const { name, pair, algorithm, usages, use = {} } of kinds) {
    const wanted = { ...algorithm };
    if (wanted.publicExponent) wanted.publicExponent = new Uint8Array([1, 0, 1]);
    const made = await subtle.generateKey(wanted, true, usages);
    const keys = pair ? [made.publicKey, made.privateKey] : [made];
    const own = { keys: [] };
    for (const key of keys) {
      const formats = {};
      for (const format of ['raw', 'raw-public', 'raw-seed', 'raw-secret', 'spki', 'pkcs8', 'jwk']) {
        try {
          const exported = await subtle.exportKey(format, key);
          formats[format] = format === 'jwk' ? exported : hex(exported);
        } catch (e) { formats[format] = e.name; }
      }
      own.keys.push({ told: told(key), formats });
    }
    const open = keys[0], secret = keys[keys.length - 1];
    if (usages.includes('sign')) own.signature = hex(await subtle.sign({ ...algorithm, ...use }, secret, message));
    if (usages.includes('encrypt')) {
      const more = { ...algorithm, ...use, iv: new Uint8Array(16).fill(3), counter: new Uint8Array(16).fill(255), label: text('l'), additionalData: text('more') };
      if (algorithm.name === 'AES-CTR') more.length = 5; else delete more.length;
      own.ciphertext = hex(await subtle.encrypt(more, open, message));
    }
    if (usages.includes('encapsulateBits')) {
      const { sharedKey, ciphertext } = await subtle.encapsulateBits(name, open);
      own.encapsulated = [hex(sharedKey), hex(ciphertext)];
    }
    out[name] = own;
  }
  return out;
}`;

// The other side imports them in every format, exports them again, checks what was signed or encrypted, and derives with a key of its own.
export const read = `${make}
async function readAll(kinds, made) {
  const out = {};
  for (const { name, pair, algorithm, usages, use = {} } of kinds) {
    const own = made[name], result = { formats: [] }, got = [];
    for (const { told: was, formats } of own.keys) {
      const again = {};
      for (const [format, exported] of Object.entries(formats)) {
        if (/Error$/.test(exported)) {
          again[format] = exported; // a kind of key that has no such format
          continue;
        }
        const key = await subtle.importKey(format, format === 'jwk' ? exported : unhex(exported), algorithm, true, was.usages);
        if (JSON.stringify(told(key)) !== JSON.stringify(was)) throw new Error(name + ' ' + format + ': ' + JSON.stringify([told(key), was]));
        const e = await subtle.exportKey(format, key);
        again[format] = format === 'jwk' ? e : hex(e);
        got.push(key);
      }
      result.formats.push(again);
    }
    const by = (usage) => got.filter((key) => key.usages.includes(usage));
    if (own.signature) for (const key of by('verify')) {
      if (!(await subtle.verify({ ...algorithm, ...use }, key, unhex(own.signature), message))) throw new Error(name + ': not verified');
      if (await subtle.verify({ ...algorithm, ...use }, key, unhex(own.signature), text('another'))) throw new Error(name + ': verified');
    }
    if (own.ciphertext) for (const key of by('decrypt')) {
      const more = { ...algorithm, ...use, iv: new Uint8Array(16).fill(3), counter: new Uint8Array(16).fill(255), label: text('l'), additionalData: text('more') };
      if (algorithm.name === 'AES-CTR') more.length = 5; else delete more.length;
      if (hex(await subtle.decrypt(more, key, unhex(own.ciphertext))) !== hex(message)) throw new Error(name + ': not decrypted');
    }
    if (own.encapsulated) for (const key of by('decapsulateBits')) {
      const bits = hex(await subtle.decapsulateBits(name, key, unhex(own.encapsulated[1])));
      const shared = await subtle.decapsulateKey(name, key, unhex(own.encapsulated[1]), { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
      if (bits !== own.encapsulated[0] || hex(await subtle.exportKey('raw-secret', shared)) !== bits) throw new Error(name + ': another secret');
    }
    if (pair) for (const key of got.filter((k) => k.type === 'private')) {
      const publicKey = got.find((k) => k.type === 'public'), open = await subtle.getPublicKey(key, publicKey.usages);
      if (JSON.stringify([told(open), await subtle.exportKey('jwk', open)]) !== JSON.stringify([told(publicKey), await subtle.exportKey('jwk', publicKey)])) throw new Error(name + ': another public key');
    }
    if (usages.includes('deriveBits')) {
      const mine = await subtle.generateKey(algorithm, true, usages);
      const open = got.find((k) => k.type === 'public'), secret = by('deriveBits')[0];
      result.derived = [hex(await subtle.deriveBits({ name: algorithm.name, public: open }, mine.privateKey, 250)),
        hex(await subtle.deriveBits({ name: algorithm.name, public: mine.publicKey }, secret, 250))];
      if (result.derived[0] !== result.derived[1]) throw new Error(name + ': no agreement');
      delete result.derived;
    }
    out[name] = result;
  }
  return out;
}`;
