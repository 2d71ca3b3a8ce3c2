// Jobs by the queue, published and polled by the official NATS JavaScript client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, open_envelope } from './lib/client.mjs';
import { until } from './lib/process.mjs';
import { NatsServer, up, worker } from './lib/worker.mjs';

const endless = 'await new Promise((r) => setTimeout(r, 1e8))'; // until it is cancelled
let w, c;
before(async () => {
    w = await up({ config: { tenants: [{ name: 'default' }, { name: 'ci' }], max_running: 2 } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

test('a job is one message with a script; its id is the stream sequence', async () => {
    const ack = await c.publish('{"script":"console.log(1+1)"}');
    assert.equal(ack.stream, 'ISOLANE_JOBS');
    const r = await c.result(ack.seq);
    assert.deepEqual([r.id, r.outcome, r.stdout, r.tenant, r.class], [String(ack.seq), 'ok', '2\n', 'default', 'normal']);
});

test('the id: the payload\'s before the header\'s before the sequence', async () => {
    const script = 'export default job.id';
    assert.equal((await c.execute({ id: 'from-payload', script }, { msg_id: 'ignored-header' })).value, 'from-payload');
    assert.equal((await c.execute({ script }, { msg_id: 'from-header' })).value, 'from-header');
    const { seq } = await c.publish({ script });
    assert.equal((await c.result(seq)).value, String(seq));
});

test('polling, way 1: a request that any worker answers', async () => {
    await c.execute({ id: 'polled-1', script: 'export default "by request"' });
    assert.equal(open_envelope(await c.get('polled-1')).value, 'by request');
    assert.equal(open_envelope(await c.get('polled-1', { tenant: 'default' })).value, 'by request');
    assert.deepEqual(await c.get('polled-1', { tenant: 'ci' }), { id: 'polled-1', tenant: 'ci', state: 'unknown' });
});

test('polling, way 2: JetStream direct get, no worker involved', async () => {
    await c.execute({ id: 'polled-2', script: 'export default "by direct get"' });
    const reply = await c.nc.request('$JS.API.DIRECT.GET.ISOLANE_RESULTS.isolane.results.default.polled-2');
    assert.equal(open_envelope(reply.json()).value, 'by direct get');
    assert.equal(await c.direct('never-published'), null);
});

test('polling, way 3: a subscription is told', async () => {
    const told = c.listen('polled-3');
    await c.publish({ id: 'polled-3', script: 'export default "by subscription"' });
    const envelope = await told;
    assert.equal(open_envelope(envelope).value, 'by subscription');
    assert.deepEqual(envelope, await c.get('polled-3'), 'the same envelope everywhere');
    assert.deepEqual(envelope, await c.direct('polled-3'));
});

test('states: unknown, queued, running, then the result', async () => {
    assert.deepEqual(await c.get('nobody-published-this'), { id: 'nobody-published-this', state: 'unknown' });
    const script = endless;
    const ids = ['state-1', 'state-2', 'state-3', 'state-4'];
    for (const id of ids) await c.publish({ id, script, limits: { wall_ms: 300_000 } });
    await until('two to run', async () => (await c.get('state-1')).state === 'running' && (await c.get('state-2')).state === 'running');
    const running = await c.get('state-1');
    assert.deepEqual([running.tenant, running.attempt], ['default', 1]);
    assert.ok(Math.abs(Date.parse(running.started_at) - Date.now()) < 60_000);
    await until('a third to wait', async () => (await c.get('state-3')).state === 'queued');
    await until('a fourth to wait', async () => (await c.get('state-4')).state === 'queued');
    for (const id of ids) await c.cancel(id);
    for (const id of ids) assert.equal((await c.result(id)).outcome, 'cancelled');
    assert.equal(open_envelope(await c.get('state-1')).state, 'done');
});

test('requests that are wrong are answered with what is wrong', async () => {
    for (const [question, pattern] of [
        ['', /^request: .*/], ['{', /^request: /], ['[]', /^request: found array/], ['{}', /^id: missing/],
        ['{"id":5}', /^id: found number; allowed: a string/], ['{"id":"a b"}', /^id: /], ['{"id":"a","tenant":"x y"}', /^tenant: /],
        [JSON.stringify({ id: 'x'.repeat(5000) }), /^request: found \d+ bytes; allowed: at most/],
    ]) {
        const reply = (await c.nc.request('isolane.results.get', question)).json();
        assert.match(reply.error ?? '', pattern, question.slice(0, 50));
    }
});

test('published twice with one Nats-Msg-Id: the server takes it once', async () => {
    const first = await c.publish({ script: 'export default 1' }, { msg_id: 'twice-header' });
    const again = await c.publish({ script: 'export default 2' }, { msg_id: 'twice-header' });
    assert.deepEqual([first.duplicate ?? false, again.duplicate], [false, true]);
    assert.equal((await c.result('twice-header')).value, 1);
});

test('published twice with one id in the payload: one run, one result', async () => {
    const counts = [];
    for (const script of ['console.log("first"); await new Promise((r) => setTimeout(r, 200))', 'console.log("second")', 'console.log("third")'])
        counts.push((await c.publish({ id: 'twice-payload', script })).seq);
    assert.equal((await c.result('twice-payload')).stdout, 'first\n');
    await c.publish({ id: 'twice-payload', script: 'console.log("after it was done")' });
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
    assert.equal((await c.result('twice-payload')).stdout, 'first\n');
    assert.equal((await c.result_counts())['isolane.results.default.twice-payload'], 1);
});

test('the same id of two tenants is two jobs', async () => {
    await c.execute({ id: 'shared', script: 'export default job.tenant' });
    await c.execute({ id: 'shared', script: 'export default job.tenant' }, { tenant: 'ci' });
    assert.equal((await c.result('shared')).value, 'default');
    assert.equal((await c.result('shared', { tenant: 'ci' })).value, 'ci');
    assert.match((await c.get('shared')).error, /several tenants|tenant/);
    assert.equal(open_envelope(await c.get('shared', { tenant: 'ci' })).value, 'ci');
});

test('all three classes are served; high goes before low', async () => {
    const script = 'await new Promise((r) => setTimeout(r, 30))';
    const started = [];
    // Two cells are busy while the others pile up.
    for (let i = 0; i < 2; i++) await c.publish({ id: `wall-${i}`, script: endless, limits: { wall_ms: 300_000 } });
    await until('the cells to be busy', async () => (await c.get('wall-0')).state === 'running' && (await c.get('wall-1')).state === 'running');
    for (let i = 0; i < 8; i++) {
        await c.publish({ id: `low-${i}`, script }, { cls: 'low' });
        await c.publish({ id: `high-${i}`, script }, { cls: 'high' });
    }
    await until('all of them to wait', async () => (await c.get('low-7')).state === 'queued' && (await c.get('high-7')).state === 'queued');
    for (let i = 0; i < 2; i++) await c.cancel(`wall-${i}`);
    for (let i = 0; i < 8; i++)
        for (const cls of ['low', 'high']) {
            const r = await c.result(`${cls}-${i}`);
            assert.equal(r.class, cls);
            started.push([Date.parse(r.started_at), cls]);
        }
    const first_half = started.sort((a, b) => a[0] - b[0]).slice(0, 8).filter(([, cls]) => cls === 'high').length;
    assert.ok(first_half >= 5, `of the first eight to start ${first_half} were of class high`);
});

test('everything of a job reaches the script', async () => {
    const r = await c.execute({
        id: 'all-fields', script: '({ id: job.id, input: job.input, env: job.env, twice: 2 * job.input.n })', type: 'script', name: 'mine.js',
        input: { n: 21, deep: [{ ü: '😀' }, null] }, env: { A: '1' }, limits: { cpu_ms: 500, wall_ms: 5000, heap_mb: 32, memory_mb: 64, output_kb: 16 }, max_attempts: 1,
    });
    assert.deepEqual(r.value, { id: 'all-fields', input: { n: 21, deep: [{ ü: '😀' }, null] }, env: { A: '1' }, twice: 42 });
});

test('live output and progress while a job runs', async () => {
    // A worker that is held up sends at once what has gathered: then the job is tried again, slower.
    for (const ms of [150, 600, 2000]) if (await live(`live-${ms}`, ms)) return;
    assert.fail('no output came in pieces');
});

/** What is heard of a job that prints four times: false when output or progress came in fewer pieces than can be told apart. */
async function live(id, ms) {
    const lines = [], steps = [];
    const logs = c.nc.subscribe(`isolane.logs.default.${id}`, { callback: (_, m) => lines.push(m.json()) });
    const progress = c.nc.subscribe(`isolane.progress.default.${id}`, { callback: (_, m) => steps.push(m.json()) });
    const r = await c.execute({
        id, script: `for (let i = 1; i <= 4; i++) { console.log("line", i); console.error("warning", i); job.progress(i / 4, \`step \${i}\`); await new Promise((r) => setTimeout(r, ${ms})) }`,
    });
    await until('the last step', () => steps.at(-1)?.fraction === 1);
    await c.nc.flush();
    logs.unsubscribe();
    progress.unsubscribe();
    const text = (stream) => lines.filter((l) => l.stream === stream).sort((a, b) => a.offset - b.offset);
    for (const [stream, whole] of [['stdout', r.stdout], ['stderr', r.stderr]]) {
        let end = 0;
        for (const l of text(stream)) {
            assert.equal(l.offset, end, 'no gap and no overlap');
            assert.equal(l.attempt, 1);
            end += Buffer.byteLength(l.data);
        }
        assert.ok(whole.startsWith(text(stream).map((l) => l.data).join('')));
    }
    assert.deepEqual([steps.at(-1).fraction, steps.at(-1).text], [1, 'step 4']);
    return steps.length >= 3 && ['stdout', 'stderr'].every((stream) => text(stream).length >= 2);
}

test('three hundred jobs: each has one result, none is lost, the chain has no gap', async () => {
    const before = (await c.result('all-fields')).seq;
    const acks = await Promise.all(Array.from({ length: 300 }, (_, i) => c.publish({ id: `many-${i}`, script: `console.log(${i}); export default ${i} ** 2` })));
    assert.equal(new Set(acks.map((a) => a.seq)).size, 300);
    await until('all results', async () => {
        const counts = await c.result_counts();
        return acks.every((_, i) => counts[`isolane.results.default.many-${i}`]);
    });
    const counts = await c.result_counts();
    const seqs = new Set();
    for (let i = 0; i < 300; i++) {
        assert.equal(counts[`isolane.results.default.many-${i}`], 1);
        const r = open_envelope(await c.direct(`many-${i}`));
        assert.deepEqual([r.outcome, r.value, r.stdout], ['ok', i ** 2, `${i}\n`]);
        assert.ok(r.seq > before);
        seqs.add(r.seq);
    }
    assert.equal(seqs.size, 300);
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
});

test('a tenant\'s ceiling of running jobs holds, whatever room there is', async () => {
    const one = await up({ config: { max_running: 4, tenants: [{ name: 'default' }, { name: 'ci', max_running: 1 }] } });
    const client = await Client.connect(one.url);
    const script = 'await new Promise((r) => setTimeout(r, 60))';
    for (let i = 0; i < 5; i++) await client.publish({ id: `narrow-${i}`, script }, { tenant: 'ci' });
    const spans = [];
    for (let i = 0; i < 5; i++) {
        const r = await client.result(`narrow-${i}`, { tenant: 'ci' });
        spans.push([Date.parse(r.started_at), Date.parse(r.finished_at)]);
    }
    spans.sort((a, b) => a[0] - b[0]);
    for (let i = 1; i < 5; i++) assert.ok(spans[i][0] >= spans[i - 1][1], JSON.stringify(spans));
    await client.close();
    await one.stop();
});

test('a full queue refuses the publisher, who can try again later', async () => {
    const narrow = await up({ config: { max_running: 1, nats: { max_queued: 4, prefetch: 1 } } });
    const client = await Client.connect(narrow.url);
    const script = 'export default 1';
    await client.publish({ id: 'holds', script: endless, limits: { wall_ms: 300_000 } });
    for (let i = 0; i < 3; i++) await client.publish({ id: `full-${i}`, script });
    await assert.rejects(client.publish({ id: 'too-many', script }), /maximum messages exceeded/);
    await until('the first one to run', async () => (await client.get('holds')).state === 'running');
    await client.cancel('holds');
    for (let i = 0; i < 3; i++) assert.equal((await client.result(`full-${i}`)).outcome, 'ok');
    await until('room in the queue', () => client.publish({ id: 'too-many', script }).catch(() => null));
    assert.equal((await client.result('too-many')).outcome, 'ok');
    await client.close();
    await narrow.stop();
});

test('a server that takes only small messages: a result is cut until it fits, and says so', async () => {
    const nats = await NatsServer.start({ max_payload: '64KB' });
    const client = await Client.connect(nats.url), small = await worker(nats.url), limits = { output_kb: 1024 };
    const text = await client.execute({ id: 'text', script: 'for (let i = 0; i < 2000; i++) console.log("x".repeat(99)); export default 5', limits });
    assert.deepEqual([text.outcome, text.value, text.truncated], ['ok', 5, true]);
    assert.match(text.stdout, /^(x{99}\n)+/);
    const value = await client.execute({ id: 'value', script: 'console.log("kept"); export default "v".repeat(100000)', limits });
    assert.deepEqual([value.outcome, value.value, value.stdout], ['output_exceeded', null, 'kept\n']);
    assert.match(value.error.message, /100002 bytes.*max_payload/);
    const error = await client.execute({ id: 'error', script: 'throw new RangeError("e".repeat(100000))' });
    assert.deepEqual([error.outcome, error.error.name, error.error.line], ['threw', 'RangeError', 1]);
    await client.close();
    await small.stop();
    await nats.stop();
});

test('a stream that exists is used as it is, and never changed', async () => {
    const { config } = await c.jsm.streams.info('ISOLANE_JOBS');
    assert.deepEqual([config.retention, config.storage, config.discard], ['workqueue', 'file', 'new']);
    assert.deepEqual(config.subjects, ['isolane.jobs.*.high', 'isolane.jobs.*.normal', 'isolane.jobs.*.low']);
    const results = (await c.jsm.streams.info('ISOLANE_RESULTS')).config;
    assert.equal(results.allow_direct, true);
    assert.ok(results.subjects.includes('isolane.results.*.>'), `${results.subjects}`);
});
