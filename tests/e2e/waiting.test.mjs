// Jobs that wait, and workers that die meanwhile: attempts go on counting, times are kept, one run, one result.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { send_signal, until } from './lib/process.mjs';
import { NatsServer, impatient, worker } from './lib/worker.mjs';

let server, c;
const opened = [];
before(async () => {
    server = await NatsServer.start();
    const w = await worker(server.url, { config: impatient }); // makes the streams
    await w.stop();
    c = await Client.connect(server.url);
});
after(async () => {
    await c.close();
    await server.stop();
});
afterEach(async () => {
    for (const w of opened.splice(0)) if (w.is_up()) await w.stop();
});
const begin = async (name, more = {}) => {
    const w = await worker(server.url, { config: { ...impatient, worker: name, ...more.config }, env: more.env });
    opened.push(w);
    return w;
};
const state_of = async (id) => (await c.get(id).catch(() => ({}))).state;
const last_event = async (id) => (await c.jsm.streams.getMessage('ISOLANE_EVENTS', { last_by_subj: `isolane.events.default.${id}` }))?.json();
const later_count = async () => (await c.jsm.streams.info('ISOLANE_LATER')).state.messages;
const one_result = async (id) => assert.equal((await c.result_counts())[`isolane.results.default.${id}`], 1);

test('a worker is killed between two attempts: another goes on counting', async () => {
    const one = await begin('one');
    const job = { id: 'goes-on', script: 'throw new Error("by " + job.attempt)', max_attempts: 3, retry_on: ['threw'], backoff: { type: 'fixed', delay_ms: 3000, jitter: 0 } };
    await c.publish(job);
    await until('its first attempt to be over', async () => await state_of(job.id) === 'retrying');
    const event = await last_event(job.id);
    assert.deepEqual([event.id, event.tenant, event.state, event.attempt, event.outcome, event.worker], [job.id, 'default', 'retrying', 1, 'threw', 'one']);
    assert.ok(Date.parse(event.retry_at) >= Date.parse(event.tries[0].finished_at) + 2900);
    await one.kill();
    await begin('two');
    const r = await c.result(job.id);
    assert.deepEqual([r.outcome, r.state, r.attempts, r.worker, r.error.message], ['threw', 'dead', 3, 'two', 'by 3']);
    assert.deepEqual(r.tries.map((t) => [t.attempt, t.outcome, t.worker, t.error.message]), [[1, 'threw', 'one', 'by 1'], [2, 'threw', 'two', 'by 2']]);
    assert.ok(Date.parse(r.tries[1].started_at) >= Date.parse(event.retry_at) - 2);
    await one_result(job.id);
});

test('a worker is killed in an attempt: that one is not used up', async () => {
    const tenants = [{ name: 'default', permissions: { env: ['NAP_MS'] } }];
    const one = await begin('one', { config: { tenants }, env: { NAP_MS: '60000' } }); // there the second attempt does not end
    const job = { id: 'not-used', script: 'if (job.attempt === 2) await new Promise((r) => setTimeout(r, job.env.NAP_MS)); throw job.attempt',
        max_attempts: 2, retry_on: ['threw'], backoff: { delay_ms: 0 }, limits: { wall_ms: 60_000 } };
    await c.publish(job);
    await until('its second attempt', async () => (await c.get(job.id)).attempt === 2);
    await one.kill();
    await begin('two', { config: { tenants }, env: { NAP_MS: '1' } });
    const r = await c.result(job.id);
    assert.deepEqual([r.state, r.attempts, r.tries.length, r.tries[0].worker, r.worker], ['dead', 2, 1, 'one', 'two']);
});

test('a drain hands a waiting job over, and its attempts with it', async () => {
    const one = await begin('one');
    const job = { id: 'handed', script: 'if (job.attempt === 1) throw 1; export default job.attempt', retry_on: ['threw'], backoff: { delay_ms: 4000, jitter: 0 } };
    await c.publish(job);
    await until('its first attempt to be over', async () => await state_of(job.id) === 'retrying');
    await one.stop();
    await begin('two');
    const r = await c.result(job.id);
    assert.deepEqual([r.outcome, r.value, r.attempts, r.tries[0].worker, r.worker], ['ok', 2, 2, 'one', 'two']);
});

test('events: off: a new worker counts anew', async () => {
    const config = { events: 'off' };
    const one = await begin('one', { config });
    const job = { id: 'anew', script: 'throw job.attempt', max_attempts: 2, retry_on: ['threw'], backoff: { delay_ms: 4000, jitter: 0 } };
    await c.publish(job);
    await until('its first attempt to be over', async () => await state_of(job.id) === 'retrying');
    await one.kill();
    await begin('two', { config });
    const r = await c.result(job.id);
    assert.deepEqual([r.attempts, r.tries.map((t) => t.worker)], [2, ['two']]);
});

test('events: all: every change, in order', async () => {
    await begin('one', { config: { events: 'all' } });
    const heard = [];
    c.nc.subscribe('isolane.events.default.told', { callback: (_, m) => heard.push(m.json()) });
    await c.nc.flush();
    await c.execute({ id: 'told', script: 'if (job.attempt === 1) throw 1', retry_on: ['threw'], backoff: { delay_ms: 10 } });
    assert.deepEqual(heard.map((e) => [e.state, e.attempt, e.outcome]), [['queued', undefined, undefined], ['running', 1, undefined],
        ['retrying', 1, 'threw'], ['running', 2, undefined], ['done', 2, 'ok']]);
    for (const e of heard) assert.ok(!Number.isNaN(Date.parse(e.at)) && e.worker === 'one', JSON.stringify(e));
});

test('not_before across a kill: kept in ISOLANE_LATER, one run, in time', async () => {
    const one = await begin('one');
    const due = Date.now() + 10_000;
    const ack = await c.publish({ script: 'console.log("ran"); export default job.id', not_before: due });
    const id = String(ack.seq);
    await until('it to be put away', async () => await later_count() === 1 && await c.jobs_left() === 0);
    assert.equal(await state_of(id), 'delayed');
    await one.kill();
    await begin('two');
    const r = await c.result(id);
    assert.deepEqual([r.outcome, r.value, r.stdout, r.attempts, r.worker], ['ok', id, 'ran\n', 1, 'two']);
    assert.ok(Date.parse(r.started_at) >= due, r.started_at);
    assert.ok(Date.parse(r.published_at) < due - 5000, r.published_at);
    await until('nothing to be left', async () => await later_count() === 0 && await c.jobs_left() === 0);
    await one_result(id);
});

for (const point of ['job_later', 'job_due'])
    test(`a worker that dies at ${point}: nothing lost, nothing twice`, async () => {
        const id = `dies-at-${point}`;
        const one = await begin('one', { env: { ISOLANE_FAULT: point } });
        await c.publish({ id, script: 'console.log("ran")', not_before: Date.now() + 9000 });
        await one.end();
        await begin('two');
        const r = await c.result(id);
        assert.deepEqual([r.outcome, r.attempts, r.stdout], ['ok', 1, 'ran\n']);
        await until('nothing to be left', async () => await later_count() === 0 && await c.jobs_left() === 0);
        await one_result(id);
    });

test('a long backoff waits in ISOLANE_LATER, with the attempts', async () => {
    const one = await begin('one');
    const job = { id: 'long-wait', script: 'throw 1', max_attempts: 2, retry_on: ['threw'], backoff: { type: 'fixed', delay_ms: 3600_000, jitter: 0 } };
    await c.publish(job);
    await until('it to be put away', async () => await later_count() === 1 && await c.jobs_left() === 0);
    assert.equal(await state_of(job.id), 'retrying');
    const stored = await c.jsm.streams.getMessage('ISOLANE_LATER', { last_by_subj: `isolane.later.default.${job.id}` });
    assert.equal(stored.header.get('Isolane-Attempts'), '1');
    assert.deepEqual(stored.json(), job);
    await one.stop();
    await c.jsm.streams.purge('ISOLANE_LATER');
});

test('a job in ISOLANE_LATER can be cancelled, by any worker', async () => {
    await begin('one');
    await begin('two');
    await c.publish({ id: 'far', script: 'console.log("never")', not_before: Date.now() + 86_400_000 });
    await until('it to be put away', async () => await later_count() === 1 && await c.jobs_left() === 0);
    assert.equal((await c.cancel('far')).state, 'cancelling');
    const r = await c.result('far');
    assert.deepEqual([r.outcome, r.error.name, r.attempts, r.stdout], ['cancelled', 'Cancelled', 0, '']);
    await one_result('far');
    await c.jsm.streams.purge('ISOLANE_LATER');
});

test('a hundred jobs for one moment: each once, none before it, nobody else is held up', async () => {
    await begin('one');
    await begin('two');
    const due = Date.now() + 9000;
    await Promise.all(Array.from({ length: 100 }, (_, i) => c.publish({ id: `at-once-${i}`, script: 'export default Date.now()', not_before: due })));
    const other = await c.execute({ script: 'export default 1' });
    assert.equal(other.value, 1);
    assert.ok(Date.parse(other.finished_at) - Date.parse(other.published_at) < 8000, 'it did not wait for the others');
    for (let i = 0; i < 100; i++) {
        const r = await c.result(`at-once-${i}`);
        assert.ok(Date.parse(r.started_at) >= due, r.started_at);
        assert.equal(r.attempts, 1);
    }
    const counts = await c.result_counts();
    for (let i = 0; i < 100; i++) assert.equal(counts[`isolane.results.default.at-once-${i}`], 1);
});

test('a job that kills every worker ends `internal`, dead, at its last delivery', async () => {
    for await (const { name } of c.jsm.consumers.list('ISOLANE_JOBS')) await c.jsm.consumers.delete('ISOLANE_JOBS', name);
    const config = { nats: { ack_wait_ms: 1000, max_deliver: 3 } };
    let w = await begin('maker', { config });
    await w.stop();
    await c.publish({ id: 'poison', script: 'for (;;);', limits: { cpu_ms: 60_000, wall_ms: 60_000 } }, { cls: 'low' });
    for (let i = 0; i < 2; i++) {
        w = await begin(`victim-${i}`, { config });
        await until('it to run', async () => await state_of('poison') === 'running');
        send_signal(w.pid, 'SIGKILL');
        await w.end();
    }
    await begin('healthy', { config });
    const r = await c.result('poison');
    assert.deepEqual([r.outcome, r.state, r.attempts, r.error.name], ['internal', 'dead', 0, 'InternalError']);
    assert.match(r.error.message, /handed out 3 times/);
});

const dead_letter = (id) => c.jsm.streams.getMessage('ISOLANE_DEAD', { last_by_subj: `isolane.dead.default.${id}` });

test('a dead job leaves a copy of its message; one that is not dead leaves none', async () => {
    await begin('one');
    const job = { id: 'buried', script: 'throw new Error("a\\nb")', max_attempts: 2, retry_on: ['threw'], backoff: { delay_ms: 0 } };
    await c.publish(job, { cls: 'high' });
    const r = await c.result(job.id);
    const copy = await until('its copy', () => dead_letter(job.id).catch(() => null));
    assert.deepEqual(copy.json(), job);
    const head = (name) => copy.header.get(`Isolane-${name}`);
    assert.deepEqual([head('Outcome'), head('Attempts'), head('Worker'), head('Class'), head('Finished'), head('Error')],
        ['threw', '2', 'one', 'high', r.finished_at, 'Error: a b']);
    await c.execute({ id: 'not-buried', script: 'throw 1' });
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
    const info = await c.jsm.streams.info('ISOLANE_DEAD', { subjects_filter: '>' });
    assert.equal(info.state.subjects['isolane.dead.default.not-buried'], undefined);
});

for (const point of ['result_committed', 'result_published', 'job_buried'])
    test(`a worker that dies at ${point} of a dead job: one copy`, async () => {
        const id = `buried-at-${point}`;
        const one = await begin('one', { env: { ISOLANE_FAULT: point } });
        await c.publish({ id, script: 'throw 1', max_attempts: 1, retry_on: ['threw'] });
        await one.end();
        await begin('two');
        await c.result(id);
        await until('the queue to be empty', async () => await c.jobs_left() === 0);
        const info = await c.jsm.streams.info('ISOLANE_DEAD', { subjects_filter: '>' });
        assert.equal(info.state.subjects[`isolane.dead.default.${id}`], 1);
        await one_result(id);
    });
