// Jobs that wait for others: order, data, failures, signatures, two workers, kills at each step.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { until } from './lib/process.mjs';
import { NatsServer, impatient, worker } from './lib/worker.mjs';

const config = { tenants: [{ name: 'default' }, { name: 'ci' }], max_running: 2, nats: impatient.nats };
let server, c;
let workers = [];
const start = async (options = {}) => {
    const w = await worker(server.url, { config: { ...config, worker: `w${workers.length}` }, ...options });
    workers.push(w);
    return w;
};
before(async () => {
    server = await NatsServer.start();
    await start();
    c = await Client.connect(server.url);
});
after(async () => {
    await c?.close();
    for (const w of workers) if (w.is_up()) await w.stop();
    await server?.stop();
});

const held_left = async () => (await c.jsm.streams.info('ISOLANE_HELD')).state.messages;
const held = (id, n = 2) => until(`${id} to be held`, async () => (await c.get(id)).state === 'held' && await held_left() >= n);
const nothing_held = () => until('nothing to be held', async () => await held_left() === 0);
async function stop_all() {
    for (const w of workers) if (w.is_up()) await w.stop();
    workers = [];
}

test('a diamond passes its data, published children first', async () => {
    await c.publish({ id: 'd-sum', after: ['d-left', 'd-right'], script: 'export default job.parents["d-left"].value + job.parents["d-right"].value' });
    await c.publish({ id: 'd-left', after: ['d-top'], script: 'export default job.parents["d-top"].value.n * 2' });
    await c.publish({ id: 'd-right', after: ['d-top'], script: 'export default job.parents["d-top"].value.n * 3' });
    await held('d-sum', 6);
    await c.publish({ id: 'd-top', script: 'export default { n: 10 }' });
    assert.equal((await c.result('d-sum')).value, 50);
    await nothing_held();
});

test('parents that are done already: it runs at once; a sequence is an id too', async () => {
    const { seq } = await c.publish({ script: 'export default "by number"' });
    await c.result(seq);
    const r = await c.execute({ id: 'p-done', after: [String(seq)], script: 'export default job.parents' });
    assert.deepEqual(r.value, { [seq]: { outcome: 'ok', value: 'by number' } });
});

test('a parent that fails: skip, run, fail; and skip goes on down', async () => {
    const script = 'export default job.parents';
    await c.publish({ id: 'f-skip', after: ['f-bad', 'f-never'], script });
    await c.publish({ id: 'f-below', after: ['f-skip'], script });
    await c.publish({ id: 'f-run', after: ['f-bad'], on_failure: 'run', script });
    await c.publish({ id: 'f-fail', after: ['f-bad'], on_failure: 'fail', script });
    await held('f-fail', 8);
    await c.publish({ id: 'f-bad', script: 'throw new Error("no")' });
    const skip = await c.result('f-skip');
    assert.deepEqual([skip.outcome, skip.state, skip.error.name, skip.error.message, skip.attempts],
        ['cancelled', 'done', 'ParentFailed', 'job \'f-bad\', which this one waited for, ended threw', 0]);
    assert.match((await c.result('f-below')).error.message, /'f-skip'.* ended cancelled/);
    assert.deepEqual((await c.result('f-run')).value, { 'f-bad': { outcome: 'threw', value: null } });
    const fail = await c.result('f-fail');
    assert.deepEqual([fail.outcome, fail.error.name], ['threw', 'ParentFailed']);
    await nothing_held();
});

test('a value that is too large is left out, and said to be', async () => {
    await c.publish({ id: 'big', script: 'export default "x".repeat(300 * 1024)', limits: { output_kb: 1024 } });
    const r = await c.execute({ id: 'big-child', after: ['big'], script: 'export default job.parents.big' });
    assert.deepEqual(r.value, { outcome: 'ok', value: null, truncated: true });
});

test('a cycle, and a parent that never comes, end at the time limit', async () => {
    await c.publish({ id: 'c-1', after: ['c-2'], ttl_ms: 1500, script: '1' });
    await c.publish({ id: 'c-2', after: ['c-1'], ttl_ms: 1500, script: '1' });
    const both = [await c.result('c-1'), await c.result('c-2')];
    for (const r of both) assert.equal(r.outcome, 'cancelled');
    assert.ok(both.some((r) => r.error.name === 'ParentMissing' && /0 of 1 jobs before it have a result, 'c-\d' has none/.test(r.error.message)));
    await nothing_held();
});

test('what is wrong is said', async () => {
    for (const [job, pattern] of [
        [{ after: ['a'], script: '1' }, /^after: found in a job without an id/],
        [{ id: 'self', after: ['x', 'self'], script: '1' }, /^after: found the job's own id 'self'/],
        [{ id: 'w-1', after: [], script: '1' }, /^after: found 0 entries; allowed: 1 to 64/],
        [{ id: 'w-2', after: ['a', 'a'], script: '1' }, /^after\[1\]: found "a" again/],
        [{ id: 'w-3', after: ['a b'], script: '1' }, /^after\[0\]: found "a b"/],
        [{ id: 'w-4', after: 'a', script: '1' }, /^after: found "a"; allowed: an array/],
        [{ id: 'w-5', on_failure: 'run', script: '1' }, /^on_failure: found without after/],
        [{ id: 'w-6', after: ['a'], on_failure: 'stop', script: '1' }, /^on_failure: found "stop"/],
    ]) {
        const r = await c.execute(job);
        assert.equal(r.outcome, 'invalid');
        assert.match(r.error.message, pattern);
    }
});

test('another tenant\'s job of that id is no parent', async () => {
    await c.publish({ id: 't-child', after: ['t-parent'], script: 'export default job.parents["t-parent"].value' }, { tenant: 'ci' });
    await c.execute({ id: 't-parent', script: 'export default "of default"' });
    assert.equal(await c.direct('t-child', 'ci'), null);
    await c.publish({ id: 't-parent', script: 'export default "of ci"' }, { tenant: 'ci' });
    assert.equal((await c.result('t-child', { tenant: 'ci' })).value, 'of ci');
});

test('cancel: of one that is held, of a tenant with held jobs', async () => {
    await c.publish({ id: 'x-1', after: ['x-none'], script: '1' });
    await c.publish({ id: 'x-2', after: ['x-none'], script: '1' }, { tenant: 'ci' });
    await held('x-1', 4);
    assert.equal((await c.cancel('x-1')).state, 'cancelling');
    const r = await c.result('x-1');
    assert.deepEqual([r.outcome, r.error.name], ['cancelled', 'Cancelled']);
    await c.js.publish('isolane.cancels.ci', '');
    assert.equal((await c.result('x-2', { tenant: 'ci' })).error.name, 'Cancelled');
    await nothing_held();
});

test('two workers: 60 children of two parents each; every child once, after both', async () => {
    await start();
    const jobs = [];
    for (let i = 0; i < 60; i++)
        jobs.push({ id: `m-child-${i}`, after: [`m-a-${i}`, `m-b-${i}`], script: 'export default Object.values(job.parents).map((p) => p.value)' });
    for (let i = 0; i < 60; i++) for (const k of ['a', 'b']) jobs.push({ id: `m-${k}-${i}`, script: `export default "${k}"` });
    const order = jobs.map((job, i) => [(i * 77) % jobs.length, job]).sort((x, y) => x[0] - y[0]);
    await Promise.all(order.map(([, job]) => c.publish(job)));
    for (let i = 0; i < 60; i++) {
        const r = await c.result(`m-child-${i}`);
        assert.deepEqual([r.value, r.attempts], [['a', 'b'], 1], r.id);
    }
    await nothing_held();
    for (const n of Object.values(await c.result_counts())) assert.equal(n, 1);
});

for (const [point, dies_on] of [['copy_stored', 'child'], ['wait_stored', 'child'], ['result_published', 'parent'], ['held_put_back', 'parent']])
    test(`a worker killed at ${point}: the child runs once`, async () => {
        await stop_all();
        const w = await start({ env: { ISOLANE_FAULT: point } });
        await c.publish({ id: `k-${point}`, after: [`kp-${point}`], script: 'export default job.parents' });
        if (dies_on === 'parent') {
            await held(`k-${point}`);
            await c.publish({ id: `kp-${point}`, script: 'export default 7' });
        }
        assert.equal((await w.end()).signal, 'SIGKILL');
        await start();
        if (dies_on === 'child') await c.publish({ id: `kp-${point}`, script: 'export default 7' });
        const r = await c.result(`k-${point}`);
        assert.deepEqual(r.value, { [`kp-${point}`]: { outcome: 'ok', value: 7 } });
        await nothing_held();
        await until('the queue to be empty', async () => await c.jobs_left() === 0);
        for (const n of Object.values(await c.result_counts())) assert.equal(n, 1);
    });

test('a worker that starts beside held jobs learns of them', async () => {
    await c.publish({ id: 's-child', after: ['s-parent'], script: 'export default job.parents["s-parent"].value' });
    await held('s-child');
    await stop_all();
    await start();
    assert.equal((await c.get('s-child')).state, 'held');
    await c.publish({ id: 's-parent', script: 'export default 1' });
    assert.equal((await c.result('s-child')).value, 1);
});

test('ISOLANE_HELD is full: one more is handed out again, and runs when there is room or its parent is there; else it ends in words', async () => {
    const small = await NatsServer.start();
    const one = await worker(small.url, { config: { ...config, nats: { ...config.nats, max_held: 2 } } });
    const mine = await Client.connect(small.url);
    const script = 'export default job.parents';
    for (const id of ['h-1', 'h-2']) await mine.publish({ id, after: ['h-parent'], script });
    await until('the stream to be full', async () => (await mine.jsm.streams.info('ISOLANE_HELD')).state.messages === 4);
    await mine.publish({ id: 'h-3', after: ['h-parent'], script });
    await until('it to be refused', () => /too many jobs wait for others/.test(one.stderr));
    await mine.publish({ id: 'h-parent', script: '1' });
    for (const id of ['h-1', 'h-2', 'h-3']) assert.equal((await mine.result(id)).outcome, 'ok', id);
    for (const id of ['i-1', 'i-2']) await mine.publish({ id, after: ['i-never'], script });
    await until('it to be full again', async () => (await mine.jsm.streams.info('ISOLANE_HELD')).state.messages === 4);
    await mine.publish({ id: 'i-3', after: ['i-never'], script });
    const r = await mine.result('i-3', { timeout: 60_000 });
    assert.deepEqual([r.outcome, r.state], ['internal', 'dead']);
    assert.match(r.error.message, /too many jobs wait for others \(nats\.max_held, nats\.max_queued_mb\)/);
    await mine.close();
    await one.stop();
    await small.stop();
});
