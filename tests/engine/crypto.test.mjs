// crypto.subtle and the budgets: what runs for as long as a script says is stopped, what it holds is counted and given back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from '../js/shell.mjs';

const prelude = `const raw = new Uint8Array(32), { subtle } = crypto; console.log('before');
const rsa = (modulusLength) => subtle.generateKey({ name: 'RSA-PSS', hash: 'SHA-256', modulusLength, publicExponent: new Uint8Array([1, 0, 1]) }, false, ['sign']);
`;

for (const [name, code] of Object.entries({
  'PBKDF2 with a thousand million rounds': `const k = await subtle.importKey('raw', raw, 'PBKDF2', false, ['deriveBits']);
    await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: raw, iterations: 1e9 }, k, 256)`,
  'PBKDF2 of many blocks': `const k = await subtle.importKey('raw', raw, 'PBKDF2', false, ['deriveBits']);
    await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA3-256', salt: raw, iterations: 100000 }, k, 8 * (1 << 20))`,
  'an RSA key of 16384 bits': 'await rsa(16384)',
  'RSA keys without end': 'for (;;) await rsa(2048)',
  'hashing without end': 'const big = new Uint8Array(64 << 20); for (;;) await subtle.digest("SHA3-512", big)',
  'encrypting without end': `const k = await subtle.importKey('raw', raw, 'AES-CTR', false, ['encrypt']), big = new Uint8Array(32 << 20);
    for (;;) await subtle.encrypt({ name: 'AES-CTR', counter: new Uint8Array(16), length: 64 }, k, big)`,
})) {
  test(`stopped: ${name}`, () => {
    const r = runJob(`${prelude}${code}`, '--cpu-ms', '60', '--memory-mb', '512');
    assert.equal(r.end, 'terminated', JSON.stringify(r).slice(0, 500));
    assert.equal(r.stdout, 'before\n');
  });
}

test('a stopped derivation tells where it was called', () => {
  const r = runJob(`${prelude}const k = await subtle.importKey('raw', raw, 'PBKDF2', false, ['deriveBits']);
    await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: raw, iterations: 1e9 }, k, 256)`, '--cpu-ms', '60', '--name', 'job.mjs');
  assert.equal(r.end, 'terminated');
  if (r.stack !== '') assert.match(r.stack, /job\.mjs:4:/); // on a very slow machine the process ends instead
});

test('keys that nobody holds are given back', () => {
  const r = runJob(`${prelude}
    for (let i = 0; i < 50000; i++) await subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt']);
    const big = new Uint8Array(1 << 20);
    for (let i = 0; i < 200; i++) await subtle.importKey('raw', big, 'HKDF', false, ['deriveBits']);
    for (let i = 0; i < 20000; i++) await subtle.importKey('raw', raw.fill(9), 'X25519', false, []);
    export default 'done'`, '--memory-mb', '64');
  assert.equal(r.value, 'done', JSON.stringify(r));
});

test('keys that are held count against the memory budget', () => {
  const r = runJob(`${prelude}const held = [], big = new Uint8Array(1 << 20);
    for (let i = 0; i < 200; i++) held.push(await subtle.importKey('raw', big, 'HKDF', false, ['deriveBits']));
    export default held.length`, '--memory-mb', '64');
  assert.equal(r.end, 'memory', JSON.stringify(r));
});

test('results count against the memory budget', () => {
  const r = runJob(`${prelude}const k = await subtle.importKey('raw', raw, 'PBKDF2', false, ['deriveBits']);
    await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: raw, iterations: 1 }, k, 2 ** 31)`, '--memory-mb', '64');
  assert.equal(r.end, 'memory', JSON.stringify(r));
});
