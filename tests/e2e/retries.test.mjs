// Retries: which outcomes, how often, how long between; what the result says of it. Time: not_before, deadline, ttl.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up();
    c = await Client.connect(w.url);
});
after(async () => {
    await c.close();
    await w.stop();
});

const at_once = { delay_ms: 0 };
const deaths = {
    threw: ['throw new RangeError("no " + job.attempt)', {}],
    cpu_exceeded: ['for (;;);', { cpu_ms: 20 }],
    wall_exceeded: ['await new Promise((r) => setTimeout(r, 1e6))', { wall_ms: 30 }],
    heap_exceeded: ['const a = []; for (;;) a.push({ a });', { cpu_ms: 5000, heap_mb: 8 }],
    memory_exceeded: ['const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));', { cpu_ms: 5000, memory_mb: 32 }],
    output_exceeded: ['for (;;) console.log("x".repeat(1000))', { output_kb: 1 }],
};

for (const [outcome, [script, limits]] of Object.entries(deaths))
    test(`retry_on ${outcome}: tried again, and dead at the last attempt`, async () => {
        const r = await c.execute({ script, limits, max_attempts: 3, backoff: at_once, retry_on: [outcome] });
        assert.deepEqual([r.outcome, r.state, r.attempts, r.tries.length], [outcome, 'dead', 3, 2]);
        assert.deepEqual(r.tries.map((t) => [t.attempt, t.outcome]), [[1, outcome], [2, outcome]]);
        for (const t of r.tries) {
            assert.deepEqual(Object.keys(t), ['attempt', 'outcome', 'error', 'started_at', 'finished_at', 'worker', 'cpu_ms', 'wall_ms']);
            assert.equal(t.worker, r.worker);
            assert.ok(t.started_at <= t.finished_at && t.finished_at <= r.started_at, JSON.stringify(t));
        }
        if (outcome === 'threw') assert.deepEqual(r.tries[1].error, { name: 'RangeError', message: 'no 2' });
    });

test('an attempt that goes well ends it: `done`, with the tries before', async () => {
    const script = 'console.log(job.attempt); if (job.attempt < 3) throw 1; export default job.attempt';
    const r = await c.execute({ script, max_attempts: 9, backoff: at_once, retry_on: ['threw'] });
    assert.deepEqual([r.outcome, r.state, r.attempts, r.value, r.stdout, r.tries.length], ['ok', 'done', 3, 3, '3\n', 2]);
});

test('an outcome that retry_on does not name is final', async () => {
    const r = await c.execute({ script: 'throw 1', max_attempts: 3, backoff: at_once, retry_on: ['cpu_exceeded'] });
    assert.deepEqual([r.outcome, r.state, r.attempts, r.tries], ['threw', 'done', 1, []]);
    const never = await c.execute({ script: 'throw 1', max_attempts: 3 });
    assert.deepEqual([never.outcome, never.state, never.attempts], ['threw', 'done', 1]);
});

test('a hundred attempts leave the last twenty', async () => {
    const r = await c.execute({ script: 'throw job.attempt', max_attempts: 100, backoff: at_once, retry_on: ['threw'] });
    assert.deepEqual([r.state, r.attempts, r.tries.length, r.tries[0].attempt, r.tries[19].attempt], ['dead', 100, 20, 80, 99]);
});

const gaps = (r) => [...r.tries, r].slice(1).map((t, i) => Date.parse(t.started_at) - Date.parse(r.tries[i].finished_at));

test('backoff: the waits are at least what was asked for, and others are not held up', async () => {
    const backoff = { type: 'exponential', delay_ms: 200, max_ms: 300, jitter: 0 };
    const waiting = c.execute({ script: 'throw 1', max_attempts: 4, backoff, retry_on: ['threw'] });
    const others = await Promise.all(Array.from({ length: 20 }, () => c.execute({ script: 'export default 1' })));
    assert.ok(others.every((r) => r.value === 1));
    const waits = gaps(await waiting);
    assert.equal(waits.length, 3);
    [200, 300, 300].forEach((least, i) => assert.ok(waits[i] >= least - 2, `${waits}`));
});

test('a job between two attempts says so, and can be cancelled', async () => {
    const id = 'sleeps';
    await c.publish({ id, script: 'throw 1', max_attempts: 2, backoff: { delay_ms: 20_000, jitter: 0 }, retry_on: ['threw'] });
    await until('its first attempt to be over', async () => (await c.get(id)).state === 'retrying');
    assert.equal((await c.cancel(id)).state, 'cancelling');
    const r = await c.result(id);
    assert.deepEqual([r.outcome, r.error.name, r.state, r.attempts, r.tries.length], ['cancelled', 'Cancelled', 'done', 1, 1]);
});

test('not_before: not started earlier; RFC 3339 and milliseconds', async () => {
    const soon = Date.now() + 1500;
    const jobs = [{ not_before: new Date(soon).toISOString() }, { not_before: soon }, { not_before: new Date(soon - 86_400_000).toISOString() }];
    const [text, number, past] = await Promise.all(jobs.map((j) => c.execute({ script: 'export default 1', ...j })));
    for (const r of [text, number]) {
        assert.equal(r.outcome, 'ok');
        assert.ok(Date.parse(r.started_at) >= soon, r.started_at);
    }
    assert.equal(past.outcome, 'ok');
});

test('deadline: a job that comes too late is not started', async () => {
    const r = await c.execute({ script: 'console.log(1)', deadline: Date.now() - 1000 });
    assert.deepEqual([r.outcome, r.error.name, r.attempts, r.started_at, r.stdout], ['cancelled', 'DeadlineExceeded', 0, null, '']);
});

/** Tries with more time when the machine was so slow that the job did not begin before its deadline. */
async function begun_in_time(execute) {
    let r;
    for (const ms of [1500, 6000, 30_000]) if ((r = await execute(ms)).attempts === 1) break;
    return r;
}

test('deadline and ttl_ms: a job that runs is stopped', async () => {
    const script = 'console.log("begun"); await new Promise((r) => setTimeout(r, 1e6))';
    for (const when of [(ms) => ({ deadline: new Date(Date.now() + ms).toISOString() }), (ms) => ({ ttl_ms: ms })]) {
        const r = await begun_in_time((ms) => c.execute({ script, limits: { wall_ms: 60_000 }, max_attempts: 3, ...when(ms) }));
        assert.deepEqual([r.outcome, r.error.name, r.attempts, r.stdout], ['cancelled', 'DeadlineExceeded', 1, 'begun\n']);
    }
});

test('a wait that would end behind the deadline is not begun', async () => {
    const r = await c.execute({ script: 'throw 1', ttl_ms: 30_000, backoff: { delay_ms: 60_000, jitter: 0 }, retry_on: ['threw'] });
    assert.deepEqual([r.outcome, r.state, r.attempts], ['threw', 'dead', 1]);
});
