// Streams of bytes through the engine's door, with sandbox/js/parts/stream_call.js at the script's end: the shell
// imitates a supervisor whose `source` sends N bytes that count down to 1, and whose `mirror` sends back what comes, taking 1000 bytes at
// a time.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fileOf, shellCommand } from '../js/shell.mjs';

const { command, env } = shellCommand();
const root = resolve(fileURLToPath(import.meta.url), '../../..');

// The built-ins, with these two more.
const probe = `
import { hostCall } from './host_call.js';
import { HostStream } from './stream_call.js';
export const open = async (name, value = {}) => new HostStream(await hostCall(name, value));
export const ask = (name, value) => hostCall(name, value);`;
// Below the project, so that the bundler finds its packages.
const folder = mkdtempSync(join(root, 'build/streams-'));
after(() => rmSync(folder, { recursive: true, force: true }));
cpSync(join(root, 'sandbox/js'), join(folder, 'js'), { recursive: true });
writeFileSync(join(folder, 'js/parts/probe.js'), probe);
const globals = readFileSync(join(folder, 'js/globals.js'), 'utf8');
writeFileSync(join(folder, 'js/globals.js'),
  globals.replace('export const globals = {', `$& probe: { functions: ['open', 'ask'] },`));
const bundle = join(folder, 'bundle.js');
const snapshot = join(folder, 'snapshot.bin');
const bundled = spawnSync(process.execPath, [join(root, 'tools/bundle_builtins.mjs'), join(folder, 'js'), bundle], { encoding: 'utf8' });
assert.equal(bundled.status, 0, bundled.stderr);
const made = spawnSync(command, ['--make-snapshot', bundle, snapshot], { env, encoding: 'utf8' });

function run(source, ...options) {
  assert.equal(made.status, 0, made.stderr);
  const args = [fileOf(source), '--json', '--snapshot', snapshot, ...options];
  const r = spawnSync(command, args, { env, encoding: 'utf8' });
  assert.notEqual(r.stdout, '', r.stderr);
  return JSON.parse(r.stdout);
}

test('a source is read to its end, whole and in order', () => {
  const r = run(`const s = await open('source', { bytes: 1000000 });
    let n = 1000000, wrong = 0, chunks = 0, chunk;
    while ((chunk = await s.read())) { chunks++; for (const b of chunk) wrong += b !== (n-- & 255); }
    export default { n, wrong, few: chunks < 100, again: await s.read() === undefined }`);
  assert.deepEqual(r.value, { n: 0, wrong: 0, few: true, again: true });
});

test('reads may be asked for ahead; an empty source has none', () => {
  const r = run(`const s = await open('source', { bytes: 300, piece: 100 }), empty = await open('source', { bytes: 0 });
    const got = await Promise.all([s.read(), s.read(), s.read()]);
    export default [got.reduce((n, c) => n + (c?.length ?? 0), 0), await empty.read() === undefined]`);
  assert.deepEqual(r.value, [300, true]);
});

test('a source that breaks off rejects, behind what came before', () => {
  const r = run(`const s = await open('source', { bytes: 10, abort: true });
    const first = (await s.read()).length;
    let e, again; try { await s.read() } catch (x) { e = x } try { await s.read() } catch (x) { again = x }
    export default [first, e instanceof NotFound, e.name, e.message, again === e]`);
  assert.deepEqual(r.value, [10, true, 'NotFound', 'it broke off', true]);
});

test('what is written comes back, within the credit of both sides', () => {
  const r = run(`const s = await open('mirror'), size = 50000;
    const out = new Uint8Array(size).map((_, i) => i % 251);
    let wrote = false;
    const done = s.write(out).then(() => (wrote = true));
    const early = wrote;
    let at = 0, wrong = 0;
    while (at < size) for (const b of await s.read()) wrong += b !== at++ % 251;
    await done;
    await s.write(new Uint8Array(0));
    s.close();
    let e; try { await s.write(out) } catch (x) { e = x }
    export default { early, at, wrong, e: e.message, closed: await s.read().catch((x) => x.message) }`);
  assert.deepEqual(r.value, { early: false, at: 50000, wrong: 0, e: 'the stream was closed', closed: 'the stream was closed' });
});

test('a write that waits ends when the stream is closed or the array shrinks', () => {
  const r = run(`const s = await open('mirror'), t = await open('mirror');
    const w = s.write(new Uint8Array(300000)).then(() => 'written', (e) => e.message);
    const q = s.read().then((c) => c.length);
    s.abort('enough');
    const buffer = new ArrayBuffer(5000, { maxByteLength: 5000 });
    const v = t.write(new Uint8Array(buffer)).then(() => 'written');
    buffer.resize(10);
    while (true) { const c = await Promise.race([t.read(), v]); if (c === 'written') break; }
    export default [await w, await q.catch((e) => e.message), await v]`);
  assert.deepEqual(r.value, ['enough', 'enough', 'written']);
});

test('a read keeps the job alive, an open stream does not', () => {
  assert.equal(run(`await open('mirror'); await open('source', { bytes: 5 }); export default 7`).value, 7);
  const r = run(`const s = await open('source', { bytes: 5 }); let n; s.read().then((c) => { globalThis.n = c.length });
    export default () => 1`);
  assert.equal(r.value, 1);
});

test('many streams at once, closed in the middle', () => {
  const r = run(`let all = [], left = 0;
    for (let i = 0; i < 100; i++) all.push(open('source', { bytes: 100000 + i }));
    all = await Promise.all(all);
    const sizes = await Promise.all(all.map(async (s, i) => {
      let n = 0, c;
      while ((c = await s.read())) { n += c.length; if (i % 3 === 0) { s.close(); return 'closed'; } }
      return n - 100000;
    }));
    export default sizes.every((n, i) => n === (i % 3 === 0 ? 'closed' : i))`);
  assert.equal(r.value, true);
});

test('what comes is counted as the job\'s memory, and credit bounds what comes', () => {
  const slow = run(`const s = await open('source', { bytes: 50000000 }); await s.read(); export default 1`, '--memory-mb', '24');
  assert.equal(slow.value, 1);
  const hoard = run(
    `const s = await open('source', { bytes: 200000000 }), kept = []; let c; while ((c = await s.read())) kept.push(c)`,
    '--memory-mb', '24',
  );
  assert.equal(hoard.end, 'memory');
});

test('numbers that are none throw', () => {
  const r = run(`const bad = [];
    for (const s of [new (await open('mirror')).constructor(77), new (await open('mirror')).constructor('x')])
      bad.push(await s.read().catch((e) => e.message), await s.write(new Uint8Array(1)).catch((e) => e.message));
    export default bad`);
  assert.deepEqual(r.value, Array(4).fill('there is no such stream'));
});
