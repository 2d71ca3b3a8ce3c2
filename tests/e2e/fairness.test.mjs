// Who has to wait for whom: crowds of one tenant and single jobs of another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { up } from './lib/worker.mjs';
import { Client } from './lib/client.mjs';
import { until } from './lib/process.mjs';

const spinning = (ms) => `const t = Date.now(); while (Date.now() - t < ${ms});`;
const endless = { script: 'await new Promise((r) => setTimeout(r, 1e8))', limits: { wall_ms: 300_000 } }; // until it is cancelled

async function crowded(config, body) {
    const w = await up({ config }), c = await Client.connect(w.url);
    try {
        await body(c, w);
    } finally {
        await c.close();
        await w.stop();
    }
}

// Results in the order in which they were published.
function resultsOf(c) {
    const order = [];
    c.nc.subscribe('isolane.results.*.>', { callback: (_, m) => order.push(m.subject.split('.')[2]) });
    return order;
}

const CROWD = 200;
/** When each job of the crowd was started, as the results say. */
async function crowd_begun(c) {
    const ids = Object.keys(await c.result_counts()).filter((s) => s.startsWith('isolane.results.crowd.')).map((s) => s.split('.')[3]);
    return Promise.all(ids.map(async (id) => (await c.result(id, { tenant: 'crowd' })).started_at));
}

for (const [consumers, fair] of [['tenant', true], ['class', false]])
    test(`a crowd in the stream and a single job of another tenant, consumers: ${consumers}`, async () => {
        const config = { max_running: 1, nats: { prefetch: 8, consumers }, tenants: [{ name: 'crowd' }, { name: 'single' }] };
        await crowded(config, async (c) => {
            const order = resultsOf(c), body = JSON.stringify({ script: spinning(20) });
            for (let i = 0; i < CROWD; i++) c.nc.publish('isolane.jobs.crowd.normal', body);
            await until('the crowd runs', () => order.length >= 3);
            await c.publish({ id: 'one', script: 'export default 1' }, { tenant: 'single' });
            // By the results' own times: how long our own messages are under way does not count.
            const one = await c.result('one', { tenant: 'single' });
            await until('the crowd has run', () => order.filter((t) => t === 'crowd').length === CROWD, { timeout: 120_000 });
            const begun = await crowd_begun(c);
            const before = begun.filter((t) => t < one.published_at).length, behind = begun.filter((t) => t > one.started_at).length;
            const between = CROWD - before - behind;
            assert.ok(before <= CROWD - 50, `${before} had begun: there is no crowd any more`);
            if (fair) assert.ok(between <= 10, `${between} jobs of the crowd came first`);
            else assert.ok(behind <= 10, `${behind} jobs of the crowd came behind it: first in, first out`); // of those that the worker held with it
        });
    });

test('one tenant and class may have so many jobs in the stream; the next publisher is refused, nobody else', async () => {
    const config = { max_running: 1, nats: { prefetch: 1, max_queued_a_tenant: 5 }, tenants: [{ name: 'a' }, { name: 'b' }] };
    await crowded(config, async (c) => {
        const order = resultsOf(c);
        let taken = 0, refused = null; // the first one holds the cell until it is cancelled
        while (!refused && taken < 50)
            await c.publish({ ...(taken === 0 ? endless : { script: '1' }), id: `j${taken}` }, { tenant: 'a' }).then(() => taken++, (e) => { refused = e; });
        assert.ok(taken >= 5, `${taken} were taken`);
        assert.match(String(refused), /maximum messages per subject exceeded/);
        await c.publish({ id: 'other', script: '1' }, { tenant: 'b' });
        await c.publish({ id: 'high', script: '1' }, { tenant: 'a', cls: 'high' });
        await c.cancel('j0', { tenant: 'a' });
        await until('everything that was taken has its result', () => order.length === taken + 2);
    });
});

test('jobs_per_s: a tenant at its ceiling waits, others do not', async () => {
    const config = { max_running: 2, nats: { prefetch: 8 }, tenants: [{ name: 'slow', jobs_per_s: 4, jobs_burst: 3 }, { name: 'other' }] };
    await crowded(config, async (c) => {
        const order = resultsOf(c), begun = Date.now();
        for (let i = 0; i < 60; i++) c.nc.publish('isolane.jobs.slow.normal', '{"script":"1"}');
        for (let i = 0; i < 60; i++) c.nc.publish('isolane.jobs.other.normal', '{"script":"1"}');
        await until('the other tenant is done', () => order.filter((t) => t === 'other').length === 60);
        const slow = order.filter((t) => t === 'slow').length;
        assert.ok(slow <= 3 + Math.ceil((Date.now() - begun) / 250), `${slow} jobs of the slow one have run`);
        await until('it goes on', () => order.filter((t) => t === 'slow').length >= slow + 4);
    });
});

test('cpu_s_per_hour: what is used up counts after a restart too', async () => {
    const config = { max_running: 2, events: 'off', tenants: [{ name: 'hot', cpu_s_per_hour: 1 }, { name: 'other' }] };
    const first = await up({ config });
    let c = await Client.connect(first.url), order = resultsOf(c);
    for (let i = 0; i < 3; i++) await c.publish({ id: `hot${i}`, script: 'for (;;);', limits: { cpu_ms: 400 } }, { tenant: 'hot' });
    await until('the budget is used up', () => order.length === 3);
    await c.publish({ id: 'waits', script: '1' }, { tenant: 'hot' });
    await c.publish({ id: 'passes', script: '1' }, { tenant: 'other' });
    await until('the other one has run', () => order.includes('other'));
    await c.close();
    await first.stop();
    const second = await up({ config, data: first.data });
    c = await Client.connect(second.url);
    order = resultsOf(c);
    await until('it is with the worker', async () => (await c.get('waits', { tenant: 'hot' })).state === 'queued');
    await c.publish({ id: 'passes2', script: '1' }, { tenant: 'other' });
    await until('the other one has run again', () => order.includes('other'));
    assert.deepEqual(order, ['other']);
    assert.equal((await c.get('waits', { tenant: 'hot' })).state, 'queued', 'and still waits');
    await c.close();
    await second.stop();
});

test('a job that waits for a cell ends at its deadline, not at its turn', async () => {
    const config = { max_running: 1, nats: { prefetch: 8 } };
    await crowded(config, async (c) => {
        const order = resultsOf(c);
        await c.publish({ ...endless, id: 'long' });
        await c.publish({ id: 'late', script: '1', ttl_ms: 700 });
        const r = await c.result('late');
        assert.deepEqual([r.outcome, r.error.name, r.attempts], ['cancelled', 'DeadlineExceeded', 0]);
        await until('it is told', () => order.length > 0);
        assert.equal((await c.get('long')).state, 'running', 'the long one still runs');
        await c.cancel('long');
    });
});

// What has begun does not count among the prefetch + max_running jobs that a worker holds, unless its message is large: two of three begin, two more come.
for (const [what, padding, held] of [['small', 0, 5], ['large', 20_000, 3]])
    test(`jobs that have begun make room for others to be fetched, ${what} ones: ${held} are held`, async () => {
        await crowded({ max_running: 2, nats: { prefetch: 1 }, tenants: [{ name: 'default' }] }, async (c) => {
            for (let i = 0; i < 7; i++) await c.publish({ ...endless, id: `begun-${i}`, script: `${endless.script} // ${'x'.repeat(padding)}` });
            const pending = async () => (await c.jsm.consumers.info('ISOLANE_JOBS', 'worker_normal_default')).num_ack_pending;
            await until(`${held} jobs in the worker's hands`, async () => await pending() === held);
            for (let i = 0; i < 5; i++) assert.ok(await pending() <= held);
            for (let i = 0; i < 7; i++) {
                await until('the job to be with the worker', async () => ['running', 'queued'].includes((await c.get(`begun-${i}`)).state));
                await c.cancel(`begun-${i}`);
                assert.equal((await c.result(`begun-${i}`)).outcome, 'cancelled');
            }
        });
    });
