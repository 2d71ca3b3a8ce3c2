// Streams and consumers that are deleted under a worker, and messages that no consumer hands out any more: every job still
// has exactly one result, and no job is given another's.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { assert_chain, assert_one_result_each } from './lib/checks.mjs';
import { fresh_folder } from './lib/place.mjs';
import { until } from './lib/process.mjs';
import { NatsServer, impatient, worker } from './lib/worker.mjs';

const JOBS = 'ISOLANE_JOBS', RESULTS = 'ISOLANE_RESULTS';
const CLOCKED = 1e15; // sequences from here on come from the clock: docs/protocol.md

/** A server and a client of the test's own. */
async function place(run) {
    const nats = await NatsServer.start(), c = await Client.connect(nats.url);
    try {
        await run(nats, c);
    } finally {
        await c.close();
        await nats.stop();
    }
}

/** Publishes a job without an id as soon as there is a stream to take it. */
const publish_soon = (c, value) => until('the stream to take jobs', () => c.publish({ script: `export default ${value}` }).catch(() => null));
const finish = async (w) => {
    await w.stop();
    await assert_chain(w.data);
};

test('the jobs stream is deleted while the worker runs: it is made again, no sequence is given twice', () => place(async (nats, c) => {
    const w = await worker(nats.url, { config: impatient });
    assert.equal((await c.execute({ script: 'export default "first"' })).id, '1');
    await c.jsm.streams.delete(JOBS);
    const { seq } = await publish_soon(c, '"second"');
    assert.ok(seq > CLOCKED && Number.isSafeInteger(seq), String(seq));
    assert.equal((await c.result(seq)).value, 'second');
    assert.equal((await c.result('1')).value, 'first');
    await until('it to say so', () => /made stream ISOLANE_JOBS although there are results: its sequences begin at \d{16}/.test(w.stderr));
    assert.equal((await c.publish({ script: 'export default 1' })).seq, seq + 1);
    const { config } = await c.jsm.streams.info(JOBS);
    assert.deepEqual(config.subjects, ['high', 'normal', 'low'].map((cls) => `isolane.jobs.*.${cls}`));
    await finish(w);
}));

test('both streams are deleted while the worker is down: its database knows which sequences there were', () => place(async (nats, c) => {
    const data = fresh_folder();
    let w = await worker(nats.url, { data, config: impatient });
    await c.execute({ script: 'export default "first"' });
    await w.stop();
    await c.jsm.streams.delete(JOBS);
    await c.jsm.streams.delete(RESULTS);
    w = await worker(nats.url, { data, config: impatient });
    const { seq } = await c.publish({ script: 'export default "second"' });
    assert.ok(seq > CLOCKED, String(seq));
    assert.equal((await c.result(seq)).value, 'second');
    await finish(w);
}));

test('somebody else makes the jobs stream again, from 1: the new job 1 is not taken for done', () => place(async (nats, c) => {
    const data = fresh_folder();
    let w = await worker(nats.url, { data, config: impatient });
    assert.equal((await c.execute({ script: 'export default "old"' })).id, '1');
    await w.stop();
    const { config } = await c.jsm.streams.info(JOBS);
    await c.jsm.streams.delete(JOBS);
    await c.jsm.streams.add(config);
    for (const folder of [data, fresh_folder()]) { // one worker whose database has the old result, one that finds it in the stream
        w = await worker(nats.url, { data: folder, config: impatient });
        await until('it to say so', () => /stream ISOLANE_JOBS was made anew, or set back, by somebody else/.test(w.stderr));
        const { seq } = await c.publish({ script: `export default "new ${folder === data}"` });
        if (folder === data) {
            assert.equal(seq, 1);
            const told = await until('it to say where the result is', () => w.stderr.match(/has the id of an older job.*: its result is under (1@\S+Z)/));
            assert.equal((await c.result(told[1])).value, 'new true');
            await c.jsm.streams.delete(JOBS); // once more, for the other
            await w.stop();
            await c.jsm.streams.add(config);
        } else {
            const told = await until('it to say where the result is', () => w.stderr.match(/its result is under (1@\S+Z)/));
            assert.equal((await c.result(told[1])).value, 'new false');
            await w.stop();
        }
    }
    assert.equal((await c.result('1')).value, 'old');
    assert.equal(Object.keys(await c.result_counts()).length, 3);
    await assert_chain(data);
}));

test('a jobs stream that another worker has begun to make and died: it is finished', { timeout: 60_000 }, () => place(async (nats, c) => {
    await c.jsm.streams.add({ name: JOBS, subjects: ['isolane.jobs-not-yet'], retention: 'workqueue', storage: 'file' });
    const w = await worker(nats.url, { config: impatient });
    const { seq } = await c.publish({ script: 'export default 1' });
    assert.ok(seq > CLOCKED, String(seq));
    assert.equal((await c.result(seq)).outcome, 'ok');
    assert.match(w.stderr, /is being made by another worker; trying again/);
    await finish(w);
}));

test('consumers and results stream are deleted while jobs run: made again, everything has its result', () => place(async (nats, c) => {
    const w = await worker(nats.url, { config: impatient });
    const slow = Array.from({ length: 4 }, (_, i) => `slow-${i}`);
    for (const id of slow) await c.publish({ id, script: 'await new Promise((r) => setTimeout(r, 2500)); export default 1' });
    await until('one to run', async () => (await c.get(slow[0])).state === 'running');
    await c.jsm.streams.delete(RESULTS);
    for (const cls of ['high', 'normal', 'low']) await c.jsm.consumers.delete(JOBS, `worker_${cls}_default`);
    await until('the results stream to be there again', () => c.jsm.streams.info(RESULTS).catch(() => null));
    await c.execute({ id: 'after', script: 'export default 1' });
    await assert_one_result_each(c, [...slow, 'after'], (r) => assert.equal(r.outcome, 'ok'));
    await finish(w);
}));

// ---- what no consumer hands out any more --------------------------------------------------------------

const stubborn = { nats: { ack_wait_ms: 1000, max_deliver: 2 } };
let nats, c;
before(async () => {
    nats = await NatsServer.start();
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    await nats?.stop();
});
const messages = async () => (await c.jsm.streams.info(JOBS)).state.messages;

test('a job that used up max_deliver gets a result: internal, dead, and leaves the stream', async () => {
    const data = fresh_folder();
    for (let k = 0; k < stubborn.nats.max_deliver; k++) {
        const victim = await worker(nats.url, { data, config: stubborn, env: { ISOLANE_FAULT: 'job_received' } });
        if (k === 0) await c.publish({ id: 'deadly', script: 'export default 1' });
        await victim.end();
    }
    const a = await worker(nats.url, { data, config: { ...stubborn, worker: 'a' } });
    const b = await worker(nats.url, { config: { ...stubborn, worker: 'b' } });
    const r = await c.result('deadly');
    assert.deepEqual([r.outcome, r.state, r.attempts, r.error.name], ['internal', 'dead', 0, 'InternalError']);
    assert.match(r.error.message, /handed out 2 times \(nats\.max_deliver\) without an end/);
    await until('the stream to be empty', async () => await messages() === 0);
    await c.execute({ id: 'next', script: 'export default 1' });
    await assert_one_result_each(c, ['deadly', 'next']);
    await finish(a);
    await finish(b);
});

test('a message that is in the stream again although its job has a result is removed', async () => {
    const data = fresh_folder();
    let w = await worker(nats.url, { data, config: stubborn });
    await c.execute({ id: 'done', script: 'export default "once"' });
    await w.stop();
    await c.publish({ id: 'done', script: 'export default "again"' });
    // As many deliveries as there are, and nobody acks.
    let deliveries = 0;
    c.nc.subscribe('test.pull', { callback: (_, m) => { deliveries += m.subject.startsWith('isolane.jobs.'); } });
    await until('its deliveries to be used up', () => {
        c.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${JOBS}.worker_normal_default`, '{"batch":1,"no_wait":true}', { reply: 'test.pull' });
        return deliveries === stubborn.nats.max_deliver;
    }, { every: 200 });
    assert.equal(await messages(), 1);
    w = await worker(nats.url, { data: fresh_folder(), config: stubborn }); // it finds the result in the stream
    await until('it to be gone', async () => await messages() === 0, { timeout: 45_000 });
    assert.equal((await c.result('done')).value, 'once');
    await assert_one_result_each(c, ['done']);
    await finish(w);
});
