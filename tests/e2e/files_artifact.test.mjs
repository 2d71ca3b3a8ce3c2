// Jobs whose files lie in an archive in the tenant's bucket: through a real worker and the object store, with the tar of
// the system as well as our own; what is refused, what is asked for again, what is fetched once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { NatsServer, impatient, worker } from './lib/worker.mjs';

let nats, w, c;
const config = {
    nats: impatient.nats,
    tenants: [{ name: 'default', permissions: { emit: true } }, { name: 'strict', strict_ts: true }, { name: 'other' }],
};
before(async () => {
    nats = await NatsServer.start();
    w = await worker(nats.url, { config });
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    if (w?.is_up()) await w.stop();
    await nats?.stop();
});

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
let count = 0;
const cli = (...args) => isolane([...args, '--nats', nats.url]);

function folder(files) {
    const dir = fresh_folder();
    mkdirSync(dir, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), text);
    }
    return dir;
}
/** What the system's tar makes of a folder. */
function tar(dir, ...options) {
    return execFileSync('tar', ['-C', dir, '-c', ...options, '-f', '-', '.'], { maxBuffer: 1 << 28 });
}
async function stored(bytes, { object = `archive-${++count}`, tenant = 'default' } = {}) {
    const path = join(scratch, `archive-${++count}.tar`);
    writeFileSync(path, bytes);
    const put = await cli('artifact', 'put', path, '--name', object, '--tenant', tenant);
    assert.equal(put.code, 0, put.stderr);
    return { object, sha256: sha256(bytes), size: bytes.length };
}
const files_of = async (files, ...options) => ({ artifact: await stored(tar(folder(files), ...options)) });
const ok = async (job, options) => {
    const r = await c.execute(job, options);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r;
};
const invalid = async (job, options) => {
    const r = await c.execute(job, options);
    assert.deepEqual([r.outcome, r.error.name, r.attempts], ['invalid', 'InvalidJob', 0], JSON.stringify(r.error));
    return r.error.message;
};

const project = {
    'package.json': '{"main": "./src/job.mjs"}',
    'src/job.mjs': "import { twice } from '../lib/twice.cjs'; import d from './d.json' with { type: 'json' }; export default (n) => [twice(n), d, import.meta.url];",
    'src/d.json': '{"ä": 1}',
    'lib/twice.cjs': 'exports.twice = (n) => 2 * n;',
};

test('a tar in each of its forms, plain and in gzip: the same job, with the hash of the same files', async () => {
    const inline = await ok({ files: project, input: 4 });
    assert.deepEqual(inline.value, [8, { ä: 1 }, 'file:///src/job.mjs']);
    for (const options of [['--format=ustar'], ['--format=gnu'], ['--format=pax'], ['-z'], ['--format=pax', '-z']]) {
        const r = await ok({ files: await files_of(project, ...options), input: 4 });
        assert.deepEqual(r.value, inline.value, options.join(' '));
        assert.equal(r.script_sha256, inline.script_sha256);
    }
});

test('names of 255 bytes, bytes that are no text, main', async () => {
    const long = `${'deep/'.repeat(40)}${'n'.repeat(50)}.mjs`;
    const files = { [long]: 'export default "long"', 'main.mjs': `import l from './${long}'; import b from './bin' with { type: 'bytes' }; export default [l, [...b]]`, bin: Buffer.from([0, 255, 10]), 'other.mjs': 'export default import.meta.main' };
    for (const format of ['--format=gnu', '--format=pax'])
        assert.deepEqual((await ok({ files: await files_of(files, format) })).value, ['long', [0, 255, 10]]);
    const artifact = await files_of(files);
    assert.equal((await ok({ files: artifact, main: 'other.mjs' })).value, true);
    assert.match(await invalid({ files: artifact, main: 'gone.mjs' }), /^main: found "gone\.mjs"; allowed: the path of one of the files$/);
    assert.match(await invalid({ files: await files_of({ a: '1', b: '2' }) }), /^main: missing; /);
});

test('TypeScript in it is transformed; strict_ts holds; check holds', async () => {
    const typed = { 'main.ts': "import { N } from './n.ts'; enum E { A = 7 } export default (): number => E.A + N;", 'n.ts': 'export const N: number = 1;' };
    const r = await ok({ files: await files_of(typed) });
    assert.deepEqual([r.value, r.language], [8, 'typescript']);
    const wrong = await c.execute({ files: await files_of({ 'main.ts': 'export const n: number = "x";' }), check: true });
    assert.deepEqual([wrong.outcome, wrong.error.name], ['threw', 'TypeScriptError']);
    assert.match(await invalid({ files: await files_of({ 'a.mjs': '1' }), check: true }), /^check: found true; allowed: with TypeScript/);
    const artifact = await stored(tar(folder({ 'main.ts': 'export default 1', 'plain.js': '1' })), { tenant: 'strict' });
    assert.match(await invalid({ files: { artifact } }, { tenant: 'strict' }), /^files\["plain\.js"\]: found JavaScript/);
});

test('what is no file of the folder is refused, by its name', async () => {
    const dir = folder({ 'index.mjs': 'export default 1' });
    symlinkSync('/etc/passwd', join(dir, 'sly'));
    assert.match(await invalid({ files: { artifact: await stored(tar(dir)) } }), /^files\.artifact: the object 'archive-\d+': entry '\.\/sly' is a symbolic link; allowed: files and folders$/);
    const up = execFileSync('tar', ['-C', dir, '-c', '--transform=s,^,../,', '-f', '-', 'index.mjs']);
    assert.match(await invalid({ files: { artifact: await stored(up) } }), /entry '\.\.\/index\.mjs' has a path that is refused/);
    assert.match(await invalid({ files: { artifact: await stored(Buffer.from('no tar')) } }), /is no tar archive, or cut off/);
    assert.match(await invalid({ files: { artifact: await stored(Buffer.from('28b52ffd0458', 'hex')) } }), /: is zstd; allowed: tar, plain or in gzip$/);
});

test('what is not there, or another, is a permanent error that says so', async () => {
    const artifact = await stored(tar(folder({ 'index.mjs': 'export default 1' })));
    assert.match(await invalid({ files: { artifact: { ...artifact, object: 'gone', sha256: '0'.repeat(64) } }, retry_on: ['internal'] }), /^files\.artifact: .*gone/);
    assert.match(await invalid({ files: { artifact: { ...artifact, sha256: '1'.repeat(64) } } }), /^files\.artifact: the object 'archive-\d+' has 10240 bytes and the SHA-256 [0-9a-f]{64}; the job names 10240 and 1{64}$/);
    assert.match(await invalid({ files: { artifact: { ...artifact, sha256: '2'.repeat(64), size: 7 } } }), /has 10240 bytes, not 7/);
    assert.match(await invalid({ files: { artifact: { object: 'x', sha256: 'x', size: 1 } } }), /^files\.artifact\.sha256: found "x"; allowed: 64 digits/);
    assert.match(await invalid({ files: { artifact: { object: 'x', sha256: '0'.repeat(64), size: 1 << 30 } } }), /^files\.artifact\.size: found 1073741824; allowed: 1 to 41943040 bytes$/);
    assert.match(await invalid({ files: { artifact: { object: 'x' } } }), /^files\.artifact\.sha256: missing$/);
    assert.match(await invalid({ files: { artifact, 'a.mjs': '1' } }), /^files: found an artifact beside 1 paths/);
    assert.match(await invalid({ files: { artifact: { ...artifact, path: 'x' } } }), /^files\.artifact: unknown field 'path'; allowed: object, sha256, size$/);
    assert.match(await invalid({ files: { artifact }, script: '1' }), /^script: found together with files/);
    assert.equal((await ok({ files: { artifact: { base64: 'ZXhwb3J0IGRlZmF1bHQgMw==' }, 'main.mjs': "import t from './artifact' with { type: 'text' }; export default t" } })).value, 'export default 3', 'a file may be called so');
});

test('a set is fetched once for many jobs, even when the object is gone; another tenant gets nothing of it', async () => {
    const artifact = await stored(tar(folder({ 'index.mjs': 'export default (n) => n + 1' })));
    const all = await Promise.all(Array.from({ length: 40 }, (_, i) => ok({ files: { artifact }, input: i })));
    assert.deepEqual(all.map((r) => r.value), all.map((_, i) => i + 1));
    assert.equal((await cli('artifact', 'rm', artifact.object)).code, 0);
    assert.equal((await ok({ files: { artifact }, input: 1 })).value, 2);
    assert.match(await invalid({ files: { artifact } }, { tenant: 'other' }), /^files\.artifact: /);
});

test('retries, re-use, after, batches, emitted jobs and calls have their files', async () => {
    const files = await files_of({ 'index.mjs': "let n = 0; export default (input, job) => { if (input === 'flaky' && job.attempt < 3) throw new Error('again'); return [++n, job.attempt, Object.keys(job.parents)]; };" });
    const again = await ok({ files, input: 'flaky', retry_on: ['threw'], backoff: { type: 'fixed', delay_ms: 1 } });
    assert.deepEqual([again.value[1], again.attempts], [3, 3]);
    const warm = [];
    for (let i = 0; i < 4; i++) warm.push(await ok({ files, reuse: 'script' }));
    assert.ok(warm.some((r) => r.value[0] > 1), 'the live module was called again');
    await c.publish({ id: 'child-1', after: ['parent-1'], files });
    await c.publish({ id: 'parent-1', files });
    const child = await until('the child', async () => { const e = await c.direct('child-1'); return e; });
    assert.deepEqual(JSON.parse(Buffer.from(child.payload, 'base64')).predicate.value, [1, 1, ['parent-1']]);
    const emitter = await ok({ script: `await emit(${JSON.stringify({ id: 'emitted-1', files })}); export default 1` });
    assert.equal(emitter.value, 1);
    assert.ok(await until('the emitted job', () => c.direct('emitted-1')));
    const batch = join(scratch, 'batch.ndjson');
    writeFileSync(batch, `${JSON.stringify({ id: 'files.one', files })}\n${JSON.stringify({ files, after: ['files.one'] })}\n`);
    const b = await cli('submit', '--batch', batch, '--id', 'files', '--wait=30');
    assert.equal(b.code, 0, b.stdout + b.stderr);
});

test('a job whose deadline has passed is not fetched for; a worker that drains ends well', async () => {
    const artifact = await stored(tar(folder({ 'index.mjs': 'export default "late"' })));
    await c.publish({ id: 'too-late', files: { artifact: { ...artifact, object: 'nowhere' } }, deadline: Date.now() - 1000 });
    const late = await until('the late one', () => c.direct('too-late'));
    assert.equal(JSON.parse(Buffer.from(late.payload, 'base64')).predicate.error.name, 'DeadlineExceeded');
    const big = await stored(tar(folder({ 'index.mjs': 'export default 1', big: Buffer.alloc(20 << 20) })));
    const ids = Array.from({ length: 4 }, (_, i) => `drained-${i}`);
    for (const id of ids) await c.publish({ id, files: { artifact: big } });
    await w.stop();
    w = await worker(nats.url, { config });
    for (const id of ids) await until(`the result of ${id}`, () => c.direct(id));
});

test('submit: a folder by option, and by itself where it does not fit into a message', async () => {
    const dir = folder(project);
    const one = await cli('submit', dir, '--files-artifact', '--input', '3', '--wait=30', '--json');
    const r = JSON.parse(one.stdout);
    assert.deepEqual([r.outcome, r.value[0]], ['ok', 6], one.stderr);
    assert.equal(r.script_sha256, (await ok({ files: project, input: 1 })).script_sha256);
    const ls = await cli('artifact', 'ls', '--json');
    assert.match(ls.stdout, /"files\/[0-9a-f]{64}\.tar"/);
    const big = folder({ ...project, 'lib/table.txt': 'x'.repeat(9 << 20), [`${'long/'.repeat(30)}name.txt`]: 'y' });
    const two = await cli('submit', big, '--input', '5', '--wait=30', '--json');
    assert.equal(JSON.parse(two.stdout).value[0], 10, two.stderr);
    assert.match(two.stderr, /the job has \d+ bytes, a message at most \d+: its files go as the artifact files\/[0-9a-f]{64}\.tar/);
    const none = await cli('submit', join(folder({ 'one.mjs': 'export default 1' }), 'one.mjs'), '--files-artifact');
    assert.deepEqual([none.code, none.stdout], [2, '']);
    assert.match(none.stderr, /--files-artifact: found one script in /);
    const huge = await cli('submit', folder({ 'index.mjs': '1', big: Buffer.alloc(33 << 20) }), '--files-artifact');
    assert.match(huge.stderr, /found \d+ bytes of files; allowed: at most 33554432/);
});
