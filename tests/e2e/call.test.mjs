// isolane.call.<tenant>: jobs as requests, answered with their signed results, without the queue.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { headers } from '@nats-io/transport-node';
import { Client, open_envelope } from './lib/client.mjs';
import { patience, scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const MAX_CALLS = 8;
let w, c;
before(async () => {
    w = await up({ config: { pool: 2, max_running: 4, nats: { max_calls: MAX_CALLS }, tenants: [{ name: 'default' }, { name: 'ci' }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
    const checked = await isolane(['verify', '--db', `${w.data}/results.db`, '--data', w.data]);
    assert.equal(checked.code, 0, checked.stderr);
});

const timeout = 20_000 * patience;
async function call(job, { tenant = 'default', msg_id } = {}) {
    const options = { timeout };
    if (msg_id) {
        options.headers = headers();
        options.headers.set('Nats-Msg-Id', msg_id);
    }
    return (await c.nc.request(`isolane.call.${tenant}`, typeof job === 'string' ? job : JSON.stringify(job), options)).json();
}
const slow = (ms) => `await new Promise((r) => setTimeout(r, ${ms})); export default ${ms}`;

test('the reply is the signed result, durable at the worker, and nothing of it is in the streams', async () => {
    const r = open_envelope(await call({ script: 'console.log(job.tenant); export default (input) => input + 1', input: 41 }, { tenant: 'ci' }));
    assert.deepEqual([r.outcome, r.value, r.stdout, r.tenant, r.class, r.attempts], ['ok', 42, 'ci\n', 'ci', 'high', 1]);
    assert.match(r.id, /^call-[0-9a-f]{16}-\d+$/);
    assert.deepEqual(open_envelope(await c.get(r.id, { tenant: 'ci' })), r, 'the worker has it');
    assert.equal(await c.direct(r.id, 'ci'), null);
    assert.equal(await c.jobs_left(), 0);
});

test('what a job may be is what a call may be: budgets, errors, re-use', async () => {
    assert.equal(open_envelope(await call({ script: 'for (;;);', limits: { cpu_ms: 30 }, max_attempts: 5 })).outcome, 'cpu_exceeded');
    const threw = open_envelope(await call({ script: 'null.x', max_attempts: 3, retry_on: ['threw'] }));
    assert.deepEqual([threw.outcome, threw.attempts], ['threw', 1]);
    const script = 'let n = 0; export default () => ++n';
    for (let n = 1; n <= 3; n++) assert.equal(open_envelope(await call({ script, reuse: 'script' })).value, n);
    const late = open_envelope(await call({ script: slow(60000), limits: { wall_ms: 60000 }, ttl_ms: 100 }));
    assert.deepEqual([late.outcome, late.error.name], ['cancelled', 'DeadlineExceeded']);
});

test('what is wrong is an invalid result; what only the queue can do, too', async () => {
    for (const [job, message] of [
        [{ script: 1 }, /^script: found number/], ['{"script"', /JSON/], [{ script: '1', limits: { cpu: 1 } }, /unknown field 'cpu'/],
        [{ id: 'waits', script: '1', after: ['x'] }, /^after: found in a call; allowed: in jobs of the queue$/],
        [{ script: '1', not_before: '2100-01-01T00:00:00Z' }, /^not_before: found in a call/], [{ script: '1', concurrency_key: 'k' }, /^concurrency_key: found in a call/],
    ]) {
        const r = open_envelope(await call(job));
        assert.equal(r.outcome, 'invalid');
        assert.match(r.error.message, message);
    }
    assert.match(open_envelope(await call({ script: '1' }, { tenant: 'nobody' })).error.message, /tenant: found 'nobody'/);
});

test('an id runs once here: both askers get one result, and later ones the same', async () => {
    const job = { id: 'once', script: `${slow(100)}; console.log(Math.random())` };
    const [a, b] = await Promise.all([call(job), call(job)]);
    assert.deepEqual(a, b);
    assert.deepEqual(await call({ id: 'once', script: 'export default "other"' }), a);
    const by_header = open_envelope(await call({ script: 'export default 5' }, { msg_id: 'by-header' }));
    assert.equal(by_header.id, 'by-header');
    assert.equal(open_envelope(await call({ script: 'export default 6' }, { msg_id: 'by-header' })).value, 5);
});

test('an id that the queue has run is answered with that result, and one called is not run by the queue', async () => {
    const queued = await c.execute({ id: 'queued', script: 'export default "queue"' });
    assert.deepEqual(open_envelope(await call({ id: 'queued', script: 'export default "call"' })), queued);
    const called = open_envelope(await call({ id: 'called', script: 'export default "call"' }));
    assert.deepEqual(await c.execute({ id: 'called', script: 'export default "queue"' }), called);
});

test('a running call can be asked for and cancelled', async () => {
    const running = call({ id: 'long', script: slow(60000), limits: { wall_ms: 60000 } });
    await until('it to run', async () => (await c.get('long')).state === 'running');
    await c.cancel('long');
    assert.equal(open_envelope(await running).outcome, 'cancelled');
});

test('a worker with its hands full refuses at once', async () => {
    const busy = Array.from({ length: MAX_CALLS }, (_, i) => call({ id: `busy-${i}`, script: slow(60000), limits: { wall_ms: 60000 } }));
    await until('all to be there', async () => (await c.get(`busy-${MAX_CALLS - 1}`)).state !== 'unknown');
    assert.deepEqual(await call({ script: '1' }), { error: `found ${MAX_CALLS} calls in hand; allowed: ${MAX_CALLS} (nats.max_calls)`, code: 'busy' });
    for (let i = 0; i < MAX_CALLS; i++) await c.cancel(`busy-${i}`);
    for (const r of await Promise.all(busy)) assert.equal(open_envelope(r).outcome, 'cancelled');
    assert.equal(open_envelope(await call({ script: 'export default 1' })).value, 1);
});

test('isolane call: the result, exit code, json; what a worker refuses', async () => {
    const file = join(scratch, 'f.mjs');
    writeFileSync(file, 'export default (input) => { console.log("hi"); return input * 2 }');
    const done = await isolane(['call', file, '--input', '21', '--nats', w.url, '--json', '--reuse', 'script']);
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual([JSON.parse(done.stdout).value, JSON.parse(done.stdout).reuse], [42, { mode: 'script', call: 1 }]);
    const threw = await isolane(['call', '-', '--nats', w.url], { input: 'null.x' });
    assert.equal(threw.code, 1);
    const lonely = await isolane(['call', '-', '--nats', w.url, '--set', 'nats.prefix=nowhere'], { input: '1' });
    assert.equal(lonely.code, 3);
    assert.match(lonely.stderr, /nobody takes nowhere\.call\.default at .*: is a worker running\?/);
});

test('a worker that drains answers those it has and takes no more', async () => {
    const other = await up({ config: { pool: 1 } });
    const client = await Client.connect(other.url);
    const waiting = client.nc.request('isolane.call.default', JSON.stringify({ id: 'last', script: slow(1500) }), { timeout });
    await until('it to run', async () => (await client.get('last')).state === 'running');
    const stopped = other.stop();
    assert.equal(open_envelope((await waiting).json()).value, 1500);
    await client.close();
    await stopped;
});
