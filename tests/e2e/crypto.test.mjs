// crypto.subtle and sodium inside the jail: no system call that is refused, in both profiles; budgets hold.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { kinds, read } from '../js/subtle_cases.mjs';
import { Client } from './lib/client.mjs';
import { up } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up();
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

// Every kind of key made, exported, imported in every format, and used.
const everything = `${read}
const list = job.input;
const made = await makeAll(list), all = await readAll(list, made);
const password = await subtle.importKey('raw', text('password'), 'PBKDF2', false, ['deriveBits']), secret = await subtle.importKey('raw', text('secret'), 'HKDF', false, ['deriveBits']);
await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA3-256', salt: text('salt'), iterations: 1000 }, password, 256);
await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-512', salt: text('salt'), info: text('info') }, secret, 256);
const keygens = Object.keys(sodium).filter((name) => /(Keygen|Keypair|Random)$/.test(name) && sodium[name].length === 0).map((name) => sodium[name]());
export default [Object.keys(all).length, keygens.length > 20, sodium.cryptoPwhashStr(text('p'), 1, 8192).length, sodium.cryptoPwhashScryptsalsa208sha256Ll(text('p'), text('s'), 16, 1, 1, 32).length];`;

for (const profile of ['default', 'jitless']) {
    test(`all of it in profile ${profile}`, async () => {
        const r = await c.execute({ script: everything, input: kinds, profile, limits: { cpu_ms: 20_000, wall_ms: 60_000, memory_mb: 256 } });
        assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
        assert.deepEqual(r.value, [kinds.length, true, r.value[2], 32]);
    });
}

for (const [what, script, limits, outcome] of [
    ['a derivation of a thousand million rounds', `const key = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits']);
        await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 1e9 }, key, 256)`, { cpu_ms: 100 }, 'cpu_exceeded'],
    ['an RSA key of 16384 bits', `await crypto.subtle.generateKey({ name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 16384, publicExponent: new Uint8Array([1, 0, 1]) }, false, ['sign'])`, { cpu_ms: 100 }, 'cpu_exceeded'],
    ['more keys than memory', `const keys = [], bytes = new Uint8Array(1 << 20); for (;;) keys.push(await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits']))`, { memory_mb: 48, cpu_ms: 20_000 }, 'memory_exceeded'],
    ['scrypt beyond its memory', 'sodium.cryptoPwhashScryptsalsa208sha256Ll(new Uint8Array(1), new Uint8Array(1), 65536, 8, 1, 32)', { memory_mb: 48 }, 'memory_exceeded'],
]) {
    test(`${outcome}: ${what}; what was printed is kept`, async () => {
        const r = await c.execute({ script: `console.log('printed');\n${script}`, limits });
        assert.equal(r.outcome, outcome, JSON.stringify(r.error));
        assert.equal(r.stdout.text ?? r.stdout, 'printed\n');
    });
}
