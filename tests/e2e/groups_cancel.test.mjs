// Cancels: of one job that runs, of a batch, of a tenant; across workers and restarts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, open_envelope } from './lib/client.mjs';
import { isolane, until } from './lib/process.mjs';
import { NatsServer, impatient, worker } from './lib/worker.mjs';

const config = { tenants: [{ name: 'default' }, { name: 'ci' }], max_running: 2, nats: { ...impatient.nats, prefetch: 16 } };
let server, w, c;
before(async () => {
    server = await NatsServer.start();
    w = await worker(server.url, { config });
    c = await Client.connect(server.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
    await server?.stop();
});

const cancel = (...args) => isolane(['cancel', ...args, '--nats', server.url]);
const forever = 'for (;;);';
const limits = { cpu_ms: 60_000, wall_ms: 600_000 };

async function publish_many(ids, job, options) {
    for (let i = 0; i < ids.length; i += 200) await Promise.all(ids.slice(i, i + 200).map((id) => c.publish({ ...job, id }, options)));
}

/** id → result of all of a tenant whose ids begin so. */
async function results(prefix, tenant, count) {
    const filter = `isolane.results.${tenant}.>`;
    const subjects = async () => Object.keys((await c.jsm.streams.info('ISOLANE_RESULTS', { subjects_filter: filter })).state.subjects ?? {})
        .map((s) => s.slice(filter.length - 1)).filter((id) => id.startsWith(prefix));
    await until(`${count} results of ${prefix}`, async () => (await subjects()).length >= count, { timeout: 60_000 });
    const found = new Map();
    for (const id of await subjects()) found.set(id, open_envelope(await c.direct(id, tenant)));
    assert.equal(found.size, count);
    return found;
}

for (const [kind, script] of [
    ['sleeping', 'await new Promise(() => setTimeout(() => {}, 1e8))'],
    ['busy', forever],
    ['deaf', '/(a+)+$/.test("a".repeat(40) + "b")'],
])
    test(`a ${kind} job stops when it is cancelled`, async () => {
        const id = `stop-${kind}`;
        await c.publish({ id, script, limits });
        await until('it to run', async () => (await c.get(id)).state === 'running');
        assert.equal((await c.cancel(id)).state, 'cancelling');
        const r = await c.result(id);
        assert.deepEqual([r.outcome, r.error.name], ['cancelled', 'Cancelled']);
    });

test('cancel of a tenant: 2,000 queued and 2 running; nothing of them runs, each has a result, later jobs run', async () => {
    const ids = Array.from({ length: 2000 }, (_, i) => `t-${i}`);
    await publish_many(['run-0', 'run-1'], { script: forever, limits }, { tenant: 'ci' });
    await until('two to run', async () => (await c.get('run-0')).state === 'running' && (await c.get('run-1')).state === 'running');
    await publish_many(ids, { script: 'export default "ran"' }, { tenant: 'ci' });
    await c.publish({ id: 'neighbour', script: 'export default "ran"' });
    const said = await cancel('--tenant', 'ci', '--yes');
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stdout, /^every job of tenant ci /);
    const all = await results('t-', 'ci', 2000);
    for (const [id, r] of all) assert.deepEqual([r.outcome, r.attempts, r.value], ['cancelled', 0, null], id);
    for (const id of ['run-0', 'run-1']) assert.equal((await c.result(id, { tenant: 'ci' })).outcome, 'cancelled');
    assert.equal((await c.result('neighbour')).value, 'ran', 'another tenant is not touched');
    assert.equal((await c.execute({ id: 'later', script: 'export default "ran"' }, { tenant: 'ci' })).value, 'ran');
    for (const n of Object.values(await c.result_counts())) assert.equal(n, 1);
});

test('cancel of a batch holds for a worker that was killed and for one that starts later', async () => {
    await publish_many(['wall-0', 'wall-1'], { script: forever, limits });
    await until('the cells to be busy', async () => (await c.get('wall-1')).state === 'running');
    const ids = Array.from({ length: 100 }, (_, i) => `night.${i}`);
    await publish_many(ids, { script: 'export default "ran"' });
    await c.publish({ id: 'nightly', script: 'export default "ran"' });
    await w.kill();
    const ack = await c.js.publish('isolane.cancels.default.night', '');
    assert.equal(ack.stream, 'ISOLANE_GROUPS');
    w = await worker(server.url, { config });
    const all = await results('night.', 'default', 100);
    for (const [id, r] of all) assert.deepEqual([r.outcome, r.attempts], ['cancelled', 0], id);
    for (const id of ['wall-0', 'wall-1']) {
        await until(`${id} to run again`, async () => (await c.get(id)).state === 'running');
        await c.cancel(id);
    }
    assert.equal((await c.result('nightly')).value, 'ran', 'an id that only begins like the batch is none of it');
    assert.equal((await c.execute({ id: 'night.100', script: 'export default "ran"' })).value, 'ran', 'published afterwards');
});

test('a wrong cancel of many is said', async () => {
    for (const [args, pattern] of [
        [[], /ID is missing/], [['--tenant', 'ci'], /say --yes too/], [['x', '--batch', 'y'], /one of them/], [['--batch', 'a.b'], /--batch: found 'a.b'/],
    ]) {
        const end = await cancel(...args);
        assert.equal(end.code, 2);
        assert.match(end.stderr, pattern);
    }
});
