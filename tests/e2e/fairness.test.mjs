// Who has to wait for whom: crowds of one tenant and single jobs of another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { up } from './lib/worker.mjs';
import { Client } from './lib/client.mjs';
import { until } from './lib/process.mjs';

const spinning = (ms) => `const t = Date.now(); while (Date.now() - t < ${ms});`;

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
    c.nc.subscribe('isolane.results.>', { callback: (_, m) => order.push(m.subject.split('.')[2]) });
    return order;
}

for (const [consumers, fair] of [['tenant', true], ['class', false]])
    test(`a crowd in the stream and a single job of another tenant, consumers: ${consumers}`, async () => {
        const config = { max_running: 1, nats: { prefetch: 8, consumers }, tenants: [{ name: 'crowd' }, { name: 'single' }] };
        await crowded(config, async (c) => {
            const order = resultsOf(c), body = JSON.stringify({ script: spinning(20) });
            for (let i = 0; i < 200; i++) c.nc.publish('isolane.jobs.crowd.normal', body);
            await until('the crowd runs', () => order.length >= 3);
            const before = order.length;
            await c.publish({ id: 'one', script: 'export default 1' }, { tenant: 'single' });
            await until('the single job has its result', () => order.includes('single'));
            const passed = order.indexOf('single') - before;
            if (fair) assert.ok(passed <= 10, `${passed} jobs of the crowd came first`);
            else assert.ok(passed > 100, `only ${passed} jobs of the crowd came first: first in, first out`);
        });
    });

test('one tenant and class may have so many jobs in the stream; the next publisher is refused, nobody else', async () => {
    const config = { max_running: 1, nats: { prefetch: 1, max_queued_a_tenant: 5 }, tenants: [{ name: 'a' }, { name: 'b' }] };
    await crowded(config, async (c) => {
        const order = resultsOf(c), long = { script: spinning(300) };
        let taken = 0, refused = null;
        while (!refused && taken < 50)
            await c.publish({ ...long, id: `j${taken}` }, { tenant: 'a' }).then(() => taken++, (e) => { refused = e; });
        assert.ok(taken >= 5, `${taken} were taken`);
        assert.match(String(refused), /maximum messages per subject exceeded/);
        await c.publish({ id: 'other', script: '1' }, { tenant: 'b' });
        await c.publish({ id: 'high', script: '1' }, { tenant: 'a', cls: 'high' });
        await until('everything that was taken has its result', () => order.length === taken + 2);
    });
});
