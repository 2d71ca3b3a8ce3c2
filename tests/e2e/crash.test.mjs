// Kill anything while jobs run: every job ends in exactly one result, and the chain holds.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, test } from 'node:test';
import { assert_chain, assert_one_result_each, publish_all } from './lib/checks.mjs';
import { Client } from './lib/client.mjs';
import { fresh_folder, program } from './lib/place.mjs';
import { cpu_ms, send_signal, sleep, start, until } from './lib/process.mjs';
import { NatsServer, impatient, up, worker } from './lib/worker.mjs';

const napping = (ms, text = 'done') => `console.log("begin"); await new Promise((r) => setTimeout(r, ${ms})); console.log("${text}")`;
const opened = [];
const keep = (thing) => (opened.push(thing), thing);
afterEach(async () => {
    for (const thing of opened.splice(0).reverse())
        await (thing instanceof Client ? thing.close() : thing.is_up() && thing.stop());
});

test('kill -9 of a cell: its job runs again and counts an attempt, the others do not notice', async () => {
    const w = keep(await up()), c = keep(await Client.connect(w.url));
    // Cells look alike from outside, but for the time they took: the first attempts take it until they are killed.
    const ids = ['cell-0', 'cell-1'], limits = { cpu_ms: 60_000, wall_ms: 60_000 };
    const script = 'console.log("attempt", job.attempt); while (job.attempt === 1); export default job.attempt';
    for (const id of ids) await c.publish({ id, script, limits });
    const busy = await until('both to have spent 100 ms', () => {
        const some = w.cells().filter((pid) => cpu_ms(pid) >= 100);
        return some.length === 2 && some;
    });
    for (const pid of busy) send_signal(pid, 'SIGKILL');
    await assert_one_result_each(c, ids, (r) => assert.deepEqual([r.outcome, r.attempts, r.value, r.stdout], ['ok', 2, 2, 'attempt 2\n']));
    await assert_chain(w.data);
});

test('kill -9 of the zygote: a new one is started, its jobs run again, no attempt is counted', async () => {
    const w = keep(await up()), c = keep(await Client.connect(w.url));
    const ids = await publish_all(c, 'zygote', 3, `${napping(1500)}\nexport default job.attempt`);
    await until('one to run', async () => (await c.get(ids[0])).state === 'running');
    const [zygote] = w.zygotes();
    send_signal(zygote, 'SIGKILL');
    await assert_one_result_each(c, ids, (r) => assert.deepEqual([r.outcome, r.attempts, r.stdout], ['ok', 1, 'begin\ndone\n']));
    assert.ok(!w.zygotes().includes(zygote));
    await assert_chain(w.data);
});

test('kill -9 of the worker: after its restart every job gets its result', async () => {
    const data = fresh_folder();
    let w = await up({ data, config: impatient }), c = await Client.connect(w.url);
    const slow = await publish_all(c, 'slow', 3, napping(600));
    const quick = await publish_all(c, 'quick', 30, 'export default job.attempt');
    await until('some to be done', async () => Object.keys(await c.result_counts()).length >= 5);
    const left_behind = w.cells();
    await c.close();
    await w.kill();
    assert.ok(left_behind.length > 0);
    w = keep(await up({ data, config: impatient }));
    c = keep(await Client.connect(w.url));
    await assert_one_result_each(c, [...slow, ...quick], (r) => assert.equal(r.outcome, 'ok'));
    await assert_chain(data);
});

test('kill -9 of the embedded nats-server: it is started again on the same port, nothing is lost', async () => {
    const w = keep(await up({ config: impatient })), c = keep(await Client.connect(w.url));
    const first = await publish_all(c, 'nats', 12, napping(150));
    await until('one to run', async () => (await c.get(first[0])).state !== 'queued');
    const server = w.nats_pid();
    assert.ok(server);
    send_signal(server, 'SIGKILL');
    await until('another server', () => w.nats_pid() && w.nats_pid() !== server);
    await until('it to take jobs', () => c.publish({ id: 'after', script: 'export default 1' }, { msg_id: 'after' }).catch(() => null));
    await assert_one_result_each(c, [...first, 'after'], (r) => assert.equal(r.outcome, 'ok'));
    assert.equal((await c.result('after')).value, 1);
    assert.ok(w.is_up());
    await assert_chain(w.data);
});

test('a worker that sleeps too long: another does its job, and there is still one result', async () => {
    const nats = await NatsServer.start();
    const c = await Client.connect(nats.url);
    try {
        const a = await worker(nats.url, { config: { ...impatient, worker: 'a' } });
        await c.publish({ id: 'sleepy', script: napping(3000) });
        await until('it to run', async () => (await c.get('sleepy')).state === 'running');
        send_signal(a.pid, 'SIGSTOP');
        const b = await worker(nats.url, { config: { ...impatient, worker: 'b' } });
        const r = await c.result('sleepy');
        assert.deepEqual([r.outcome, r.worker], ['ok', 'b']);
        send_signal(a.pid, 'SIGCONT');
        await sleep(500);
        await assert_one_result_each(c, ['sleepy']);
        assert.equal((await c.result('sleepy')).worker, 'b');
        for (const w of [a, b]) {
            await w.stop();
            await assert_chain(w.data);
        }
    } finally {
        await c.close();
        await nats.stop();
    }
});

test('a job that takes longer than ack_wait is not handed out again: in-progress', async () => {
    const w = keep(await up({ config: { nats: { ack_wait_ms: 2000 } } })), c = keep(await Client.connect(w.url));
    await c.publish({ id: 'lengthy', script: napping(4500) });
    const r = await c.result('lengthy');
    assert.deepEqual([r.outcome, r.attempts, r.stdout], ['ok', 1, 'begin\ndone\n']);
    const info = await c.jsm.consumers.info('ISOLANE_JOBS', 'worker_normal_default');
    assert.deepEqual([info.num_redelivered, info.delivered.consumer_seq], [0, 1]);
});

test('a database that cannot be written for a while: nothing is acked, nothing is lost, it goes on by itself', async () => {
    const w = keep(await up({ config: impatient })), c = keep(await Client.connect(w.url));
    await c.publish({ id: 'before', script: 'export default 1' });
    await c.result('before');
    const other = new DatabaseSync(join(w.data, 'results.db'));
    other.exec('begin immediate');
    const ids = await publish_all(c, 'locked', 8, 'export default 1');
    await until('the worker to say so', () => /results cannot be written/.test(w.stderr));
    assert.equal(Object.keys(await c.result_counts()).length, 1);
    assert.equal(await c.jobs_left(), 8);
    other.exec('rollback');
    other.close();
    await assert_one_result_each(c, ids, (r) => assert.equal(r.outcome, 'ok'));
    await until('the worker to say that it is over', () => /results can be written again/.test(w.stderr));
    assert.equal(w.stderr.match(/results cannot be written/g).length, 1, 'told once');
    await assert_chain(w.data);
});

test('a full disk: nothing is acked, nothing is lost, it goes on by itself when there is room', async (t) => {
    const nats = await NatsServer.start(), c = await Client.connect(nats.url), data = fresh_folder();
    mkdirSync(data);
    const w = start('unshare', [process.getuid() ? '-rm' : '-m', 'sh', '-c',
        'mount -t tmpfs -o size=48m tmpfs "$1" && exec "$2" worker --data "$1" --nats "$3"', '-', data, program, nats.url]);
    let ended = false;
    w.ended.then(() => { ended = true; });
    try {
        await until('the worker to be ready', () => ended || w.text.stdout.includes('isolane is up'));
        if (ended && /unshare|mount/.test(w.text.stderr)) {
            t.skip(`no file system of its own to be had: ${w.text.stderr.trim()}`);
            return;
        }
        await c.execute({ id: 'fits', script: 'export default 1' });
        const filler = `/proc/${w.pid}/root${data}/filler`;
        assert.throws(() => { for (let i = 0; ; i++) appendFileSync(filler, Buffer.alloc(4096)); }, { code: 'ENOSPC' });
        // The WAL has room for 9 MB of them, which it took when the worker started.
        const ids = await publish_all(c, 'squeezed', 300, 'export default "x".repeat(20000)');
        await until('the worker to say so', () => /results cannot be written.*disk/.test(w.text.stderr));
        assert.ok(await c.jobs_left() > 50);
        rmSync(filler);
        await assert_one_result_each(c, ids, (r) => assert.equal(r.value?.length, 20000));
        send_signal(w.pid, 'SIGTERM');
        assert.equal((await w.ended).code, 0);
    } finally {
        await c.close();
        await nats.stop();
    }
});

test('two workers share the work: each job is done once', async () => {
    const nats = await NatsServer.start();
    const c = await Client.connect(nats.url);
    try {
        const a = await worker(nats.url, { config: { worker: 'a', nats: { prefetch: 4 } } });
        const b = await worker(nats.url, { config: { worker: 'b', nats: { prefetch: 4 } } });
        const by = { a: 0, b: 0 }, ids = [];
        for (let round = 0; round < 20 && !(by.a > 0 && by.b > 0); round++) { // one of them may be held up for a while
            const more = await publish_all(c, `shared-${round}`, 60, 'await new Promise((r) => setTimeout(r, 20)); export default job.id');
            await assert_one_result_each(c, more, (r) => by[r.worker]++);
            ids.push(...more);
        }
        assert.ok(by.a > 0 && by.b > 0, JSON.stringify(by));
        assert.equal((await c.get(ids[0])).payloadType, 'application/vnd.in-toto+json', 'either of them answers for all');
        for (const w of [a, b]) {
            await w.stop();
            await assert_chain(w.data);
        }
    } finally {
        await c.close();
        await nats.stop();
    }
});

test('an external server that goes and comes back: jobs that ran meanwhile are published then', async () => {
    const nats = await NatsServer.start();
    const w = await worker(nats.url, { config: impatient });
    const c = await Client.connect(nats.url);
    try {
        const ids = await publish_all(c, 'away', 4, napping(1500));
        await until('one to run', async () => (await c.get(ids[0])).state === 'running');
        await nats.stop('SIGKILL');
        await sleep(1200);
        await nats.restart();
        await assert_one_result_each(c, ids, (r) => assert.equal(r.outcome, 'ok'));
        await w.stop();
        await assert_chain(w.data);
    } finally {
        await c.close();
        await nats.stop();
    }
});

// ---- the worker killed at each point where it would hurt ----------------------------------------------

let nats, client;
const data = fresh_folder();
before(async () => {
    nats = await NatsServer.start();
    client = await Client.connect(nats.url);
});
after(async () => {
    await client?.close();
    await nats?.stop();
});

for (const point of ['job_received', 'job_decoded', 'job_dispatched', 'job_running', 'result_framed', 'result_signed',
    'result_committed', 'result_published', 'job_acked']) {
    test(`the worker killed at ${point}: exactly one result each after its restart`, async () => {
        const victim = await worker(nats.url, { data, config: impatient, env: { ISOLANE_FAULT: `${point}@${point === 'result_committed' ? 1 : 2}` } /* one commit may hold all */ });
        const ids = await publish_all(client, point, 4, napping(40));
        const end = await victim.end();
        assert.equal(end.signal, 'SIGKILL', `the point is passed: ${end.stderr}`);
        const next = await worker(nats.url, { data, config: impatient });
        await assert_one_result_each(client, ids, (r) => assert.deepEqual([r.outcome, r.stdout], ['ok', 'begin\ndone\n']));
        await next.stop();
        await assert_chain(data);
    });
}

test('the zygote killed after a fork: jobs go on in another', async () => {
    const w = await worker(nats.url, { data, config: impatient, env: { ISOLANE_FAULT: 'zygote_forked@6' } });
    const ids = await publish_all(client, 'forked', 8, 'export default 1');
    await assert_one_result_each(client, ids, (r) => assert.equal(r.outcome, 'ok'));
    await w.stop();
    await assert_chain(data);
});
