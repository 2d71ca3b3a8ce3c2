// Batches: many jobs from a file, counted by one worker, one signed result, whoever dies.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, root, scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { NatsServer, worker } from './lib/worker.mjs';

const key = join(scratch, 'batch.key');
const config = { max_running: 2, pool: 2, nats: { ack_wait_ms: 1000, lease_s: 2 }, tenants: [{ name: 'default' }, { name: 'ci' }] };
let nats, w, c;
before(async () => {
    assert.equal((await isolane(['keys', 'new', key])).code, 0);
    config.tenants.push({ name: 'signed', job_keys: [`${key}.pub`] });
    nats = await NatsServer.start();
    w = await worker(nats.url, { config: { ...config, worker: 'w1' } });
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
    await nats?.stop();
});

let files = 0;
function file(jobs) {
    const path = join(scratch, `batch-${++files}.ndjson`);
    writeFileSync(path, jobs.map((j) => (typeof j === 'string' ? j : JSON.stringify(j))).join('\n') + '\n');
    return path;
}
const at = () => ['--nats', nats.url];
const submit = (path, ...args) => isolane(['submit', '--batch', path, ...at(), ...args]);
const batch = (...args) => isolane(['batch', ...args, ...at()]);
const numbers = (n, script = (i) => `export default ${i}`) => Array.from({ length: n }, (_, i) => ({ script: script(i + 1) }));
const stored = async (filter) => Object.entries((await c.jsm.streams.info('ISOLANE_RESULTS', { subjects_filter: filter })).state.subjects ?? {});

test('a batch from a file: one signed result with counts; submitted again it doubles nothing', async () => {
    const path = file([...numbers(40), { script: 'throw new Error("no")' }, { script: '1', nonsense: true }]);
    const end = await submit(path, '--id', 'mixed', '--tenant', 'ci', '--wait=60');
    assert.equal(end.code, 1, end.stderr);
    assert.match(end.stdout, /^batch mixed: 2 of 42 jobs did not end ok: threw 1, invalid 1\n +40 {2}ok\n +1 {2}threw\n +1 {2}invalid\n$/);
    const r = await c.result('mixed', { tenant: 'ci' });
    assert.deepEqual(r.value, { jobs: 42, ended: 42, outcomes: { ok: 40, threw: 1, invalid: 1 } });
    assert.deepEqual([r.outcome, r.error.name, r.attempts], ['threw', 'BatchFailed', 0]);
    const text = join(scratch, 'mixed.json');
    writeFileSync(text, (await isolane(['result', 'mixed', '--tenant', 'ci', '--envelope', ...at()])).stdout);
    const checked = await isolane(['verify', text, '--key', join(w.data, 'worker.pub')]);
    assert.equal(checked.code, 0, checked.stderr);

    const again = await submit(path, '--id', 'mixed', '--tenant', 'ci', '--json');
    assert.deepEqual([again.code, JSON.parse(again.stdout)], [0, { batch: 'mixed', tenant: 'ci', jobs: 42, duplicates: 42 }], again.stderr);
    assert.equal((await batch('mixed', '--tenant', 'ci', '--wait=60')).code, 1);
    const all = await stored('isolane.results.ci.>');
    assert.deepEqual([all.length, new Set(all.map(([, n]) => n))], [43, new Set([1])]);
    await until('the record to be marked again', async () => {
        const m = await c.jsm.direct.getMessage('ISOLANE_GROUPS', { last_by_subj: 'isolane.batches.ci.mixed' });
        return m.json().ended;
    });
});

test('the id is made of the file; all ok: exit 0; the batch can be waited for like a job', async () => {
    const path = file(numbers(10));
    const end = await submit(path);
    assert.equal(end.code, 0, end.stderr);
    const id = end.stdout.trim();
    assert.match(id, /^batch-[0-9a-f]{16}$/);
    await c.publish({ id: 'finally', script: 'export default job.parents', after: [id] });
    const done = await batch(id, '--wait', '--json');
    assert.equal(done.code, 0, done.stderr);
    assert.equal(JSON.parse(done.stdout).value.outcomes.ok, 10);
    assert.deepEqual((await c.result('finally')).value, { [id]: { outcome: 'ok', value: { jobs: 10, ended: 10, outcomes: { ok: 10 } } } });
    assert.equal((await batch(id)).stdout, `batch ${id}: all 10 jobs ended ok\n        10  ok\n`);
});

test('live counts: queued, running, ended by outcome, of all workers', async () => {
    const other = await worker(nats.url, { config: { ...config, worker: 'w2' } });
    const slow = { script: 'await new Promise((f) => setTimeout(f, 60_000))', limits: { wall_ms: 100_000 } };
    const path = file([{ script: '1' }, ...Array(8).fill(slow)]);
    assert.equal((await submit(path, '--id', 'live')).code, 0);
    const counts = await until('four to run on two workers', async () => {
        const now = await batch('live', '--json');
        assert.equal(now.code, 1, now.stderr);
        const j = now.stdout && JSON.parse(now.stdout);
        return j && j.running === 4 && j.ended === 1 && j;
    });
    assert.deepEqual(counts, { jobs: 9, ended: 1, outcomes: { ok: 1 }, running: 4 });
    assert.match((await batch('live')).stdout, /^batch live: 1 of 9 jobs have ended\n +4 {2}queued\n +4 {2}running\n +1 {2}ok\n$/);
    assert.match((await batch('live', '--wait=1')).stderr, /waited 1 s; the batch has not ended/);
    assert.equal((await isolane(['cancel', '--batch', 'live', ...at()])).code, 0);
    const r = await c.result('live');
    assert.deepEqual(r.value, { jobs: 9, ended: 9, outcomes: { ok: 1, cancelled: 8 } });
    await other.stop();
});

test('jobs of a file name each other: a graph; from any NATS client', async () => {
    const path = file([
        { id: 'dag.sum', script: 'export default Object.values(job.parents).reduce((s, p) => s + p.value, 0)', after: ['dag.a', 'dag.b'] },
        { id: 'dag.a', script: 'export default 1' }, { id: 'dag.b', script: 'export default 2' }]);
    assert.equal((await submit(path, '--id', 'dag', '--wait=60')).code, 0);
    assert.equal((await c.result('dag.sum')).value, 3);
    const example = await submit(join(root, 'examples/batches/words.ndjson'), '--id', 'words', '--wait=60');
    assert.equal(example.code, 0, example.stderr);
    assert.deepEqual([(await c.result('words.report')).value, (await c.result('words.report')).stdout], [9, 'ok: 9 words\n']);

    await c.js.publish('isolane.batches.default.plain', '{"jobs": 2}');
    await c.publish({ id: 'plain.x', script: '1' });
    await c.publish({ id: 'plain.y', script: '1' });
    assert.deepEqual((await c.result('plain')).value, { jobs: 2, ended: 2, outcomes: { ok: 2 } });
});

test('signed jobs', async () => {
    const end = await submit(file(numbers(5)), '--id', 'signed', '--tenant', 'signed', '--key', key, '--wait=60');
    assert.deepEqual([end.code, end.stderr], [0, ''], end.stdout);
});

test('wrong files are refused before anything is published', async () => {
    for (const [lines, args, words] of [
        [['{"script":"1"}', '{"script":'], [], /:2: /],
        [['{"script":"1"}', '', '[]'], [], /:3: found array; allowed: a job object/],
        [['{"input":1}'], [], /:1: script: missing/],
        [['{"id":"x","script":"1"}'], [], /:1: found a job with an id; allowed: with --id BATCH/],
        [['{"id":"x.1","script":"1"}'], ['--id', 'b'], /:1: id: found 'x\.1'; allowed: b\.<name>/],
        [['{"id":"b.2","script":"1"}'], ['--id', 'b'], /:1: id: found 'b\.2'/],
        [['{"id":"b.\\u0061","script":"1"}'], ['--id', 'b'], /:1: id: found it written with escapes/],
        [['{"id":"b.a","script":"1"}', '{"id":"b.a","script":"2"}'], ['--id', 'b'], /an id stands there twice/],
        [[' '], [], /found no job/],
        [[`{"script":"${'x'.repeat(2000)}"}`], ['--set', 'job_max_kb=1'], /:1: found more than 1024 bytes/],
    ]) {
        const end = await submit(file(lines), ...args);
        assert.notEqual(end.code, 0);
        assert.match(end.stderr, words);
        assert.equal(end.stdout, '');
    }
    assert.match((await submit('/dev/null')).stderr, /is no file/);
    assert.equal((await submit(file(numbers(1)), '--id', 'a.b')).code, 2);
    assert.equal((await batch('a.b')).code, 2);
    assert.match((await batch('nobody')).stderr, /no worker counts it/);
});

test('a full queue is waited for', async () => {
    const small = await NatsServer.start();
    const one = await worker(small.url, { config: { ...config, nats: { ...config.nats, max_queued: 10, prefetch: 2 } } });
    const path = file(numbers(120, () => 'const t = Date.now(); while (Date.now() - t < 10);'));
    const end = await isolane(['submit', '--batch', path, '--id', 'full', '--wait=60', '--nats', small.url]);
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stderr, /the queue is full .*: waiting for room/);
    assert.match(end.stdout, /all 120 jobs ended ok/);
    await one.stop();
    await small.stop();
});

for (const point of ['batch_counted', 'batch_committed', 'batch_published'])
    test(`the worker that counts dies at ${point}: exactly one result, and the record is marked`, async () => {
        const server = await NatsServer.start(), data = fresh_folder('dies');
        const dying = await worker(server.url, { data, config: { ...config, worker: 'dying' }, env: { ISOLANE_FAULT: point } });
        const end = await isolane(['submit', '--batch', file(numbers(6)), '--id', 'dies', '--nats', server.url]);
        assert.equal(end.code, 0, end.stderr);
        assert.equal((await dying.ended).signal, 'SIGKILL');
        const next = await worker(server.url, { data, config: { ...config, worker: 'dying' } });
        const waited = await isolane(['batch', 'dies', '--wait=60', '--nats', server.url]);
        assert.equal(waited.code, 0, waited.stderr);
        const mine = await Client.connect(server.url);
        await mine.result('dies');
        const info = await mine.jsm.streams.info('ISOLANE_RESULTS', { subjects_filter: 'isolane.results.>' });
        assert.deepEqual([Object.keys(info.state.subjects).length, new Set(Object.values(info.state.subjects))], [7, new Set([1])]);
        await until('the record to be marked', async () =>
            (await mine.jsm.direct.getMessage('ISOLANE_GROUPS', { last_by_subj: 'isolane.batches.default.dies' })).json().ended);
        const checked = await isolane(['verify', '--db', join(data, 'results.db'), '--key', join(data, 'worker.pub')]);
        assert.equal(checked.code, 0, checked.stderr);
        await mine.close();
        await next.stop();
        await server.stop();
    });
