// Zygote and cells: what is forked must be lean, whole and without memory of its trial jobs, and no two
// cells may draw the same random numbers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import vm from 'node:vm';
import { fileOf, runJob, shellCommand } from '../js/shell.mjs';

const { command, env } = shellCommand();
const CELLS = 100;

function run(path, ...options) {
  const r = spawnSync(command, [path, '--json', ...options], { env, encoding: 'utf8' });
  const results = r.stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return { ...r, results };
}

// What crypto.subtle draws: by itself (AES, X25519) and through OpenSSL (EC keys, ECDSA's own random number).
const drawn = async () => {
  const { subtle } = crypto;
  const jwk = async (key) => (await subtle.exportKey('jwk', key));
  const ec = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const fixed = await subtle.importKey('jwk', { kty: 'EC', crv: 'P-256', x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM', d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE' },
    { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  return {
    aes: (await jwk(await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']))).k,
    ec: (await jwk(ec.publicKey)).x,
    x25519: (await jwk((await subtle.generateKey('X25519', true, ['deriveBits'])).publicKey)).x,
    signature: new Uint8Array(await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, fixed, new Uint8Array(3))).join(),
  };
};

test(`random sources differ in ${CELLS} cells of one zygote`, () => {
  const file = fileOf(
    `const bytes = crypto.getRandomValues(new Uint8Array(8));
     export default { math: Math.random(), uuid: crypto.randomUUID(), bytes: [...bytes].join(),
       sodium: [...sodium.randombytesBuf(8)].join(), ...await (${drawn})() }`,
  );
  const { results, stderr } = run(file, '--fork', `${CELLS}`);
  assert.equal(results.length, CELLS, stderr);
  for (const key of Object.keys(results[0].value ?? assert.fail(JSON.stringify(results[0])))) {
    const seen = new Set(results.map((r) => r.value[key]));
    assert.equal(seen.size, CELLS, `${key}: ${CELLS - seen.size} repeated`);
  }
});

test('the zygote has one thread and less than 4 MB of memory of its own', () => {
  const { stderr } = run(fileOf('1'), '--stats');
  const zygote = /^zygote: .*/m.exec(stderr)[0];
  const number = (key) => Number(new RegExp(`${key}: (\\d+)`).exec(zygote)[1]);
  assert.equal(number('Threads'), 1);
  assert.ok(number('Anonymous') < 4096, zygote);
  const cell = /^cell after job: .*Private_Dirty: (\d+)/m.exec(stderr);
  assert.ok(Number(cell[1]) < 1024, cell[0]);
});

// Names of everything reachable from the standard globals, two levels deep.
const inventory = `(() => {
  const out = {};
  const note = (path, o) => {
    if ((typeof o !== 'object' && typeof o !== 'function') || o === null) return;
    out[path] = Reflect.ownKeys(o).map(String).sort().join();
  };
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (name === 'globalThis' || name === 'job') continue;
    note(name, globalThis[name]);
    note(name + '.prototype', globalThis[name]?.prototype);
  }
  return JSON.stringify(out);
})()`;

test('the language is complete: everything that this V8 has in a fresh context', () => {
  const mine = JSON.parse(runJob(`export default ${inventory}`, '--allow-wasm', '--allow-sab').value);
  const theirs = JSON.parse(vm.runInNewContext(inventory));
  // Ours, with more or other members; streaming compilation is Node's.
  const replaced = new Set(['console', 'Math', 'WebAssembly']);
  for (const [path, names] of Object.entries(theirs)) {
    if (replaced.has(path)) continue;
    const missing = names.split(',').filter((n) => !(mine[path] ?? '').split(',').includes(n));
    assert.deepEqual(missing, [], path);
  }
});

test('a job finds no trace of the trial jobs', () => {
  const probe = `console.count(); const id = setTimeout(() => {}); clearTimeout(id);
    export default { names: Object.getOwnPropertyNames(globalThis).sort(), id, input: job.input ?? null,
      env: job.env, warm: [typeof A, typeof s, typeof list].join(), now: performance.now() < 1000,
      error: Object.getOwnPropertyNames(Error).join(), last: RegExp.lastMatch, stack: Error.stackTraceLimit }`;
  const warm = runJob(probe, '--fork', '1');
  const cold = runJob(probe, '--no-fork', '--no-warm');
  assert.deepEqual(warm.value, cold.value);
  assert.equal(warm.stdout, 'default: 1\n');
  assert.equal(warm.value.warm, 'undefined,undefined,undefined');
  assert.deepEqual([warm.value.id, warm.value.input], [1, null]);
});

test('cells do not see what another cell did', () => {
  const file = fileOf('globalThis.n = (globalThis.n ?? 0) + 1; Array.prototype.x = 1; n', '.js');
  const { results } = run(file, '--fork', '3', '--script');
  assert.deepEqual(results.map((r) => r.value), [1, 1, 1]);
});

test('a snapshot of another build, a cut or a missing one is refused with a sentence', () => {
  const good = join(dirname(env.LD_PRELOAD), 'snapshot.bin');
  const script = fileOf('1');
  const refuse = (path, pattern) => {
    const r = run(script, '--snapshot', path);
    assert.equal(r.status, 3);
    assert.match(r.stderr, pattern);
  };
  refuse('/nonexistent/x', /startup snapshot \/nonexistent\/x: No such file/);
  const bad = fileOf('', '.bin');
  refuse(bad, /not of this build: run make again/);
  const bytes = readFileSync(good);
  bytes[70] ^= 1; // in the hash of the native functions' names
  writeFileSync(bad, bytes);
  refuse(bad, /not of this build/);
  writeFileSync(bad, readFileSync(good).subarray(0, 100000));
  refuse(bad, /not of this build/);
  copyFileSync(good, bad);
  assert.equal(run(script, '--snapshot', bad).status, 0);
});

test('built-ins that cannot start make no snapshot', () => {
  const out = fileOf('', '.bin');
  const make = (bundle) =>
    spawnSync(command, ['--make-snapshot', fileOf(bundle, '.js'), out], { env, encoding: 'utf8' });
  for (const [bundle, pattern] of [
    ['let x = ;', /built-ins failed: .*SyntaxError.*line 1/],
    ['\nthrow new Error("no")', /built-ins failed: [^]*Error: no[^]*line 2/],
    ['return 1', /must export its hooks as default/],
    ['return { begin() {} }', /lacks the function 'input'/],
  ]) {
    const r = make(bundle);
    assert.equal(r.status, 3, bundle);
    assert.match(r.stderr, pattern);
  }
});

test('further V8 flags of a profile: jitless runs jobs too', () => {
  const { results, stderr } = run(fileOf('let s = 0; for (let i = 0; i < 1e5; i++) s += i; export default s'),
    '--v8-flags', '--jitless');
  assert.equal(results[0]?.value, 4999950000, stderr);
});
