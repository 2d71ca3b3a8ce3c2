// concurrency_key: at most so many at once, in the whole cluster, whoever dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { cpu_ms, until } from './lib/process.mjs';
import { NatsServer, worker } from './lib/worker.mjs';

const config = { max_running: 2, pool: 2, nats: { ack_wait_ms: 3000, lease_s: 5, heartbeat_s: 1 } };
const spinning = (ms) => `const t = Date.now(); while (Date.now() - t < ${ms}); export default t`;
const long = { limits: { wall_ms: 20_000, cpu_ms: 20_000 } };

let nats, workers, c;
before(async () => {
    nats = await NatsServer.start();
    workers = await Promise.all(['w1', 'w2'].map((name) => worker(nats.url, { config: { ...config, worker: name } })));
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    for (const w of workers ?? []) if (w.is_up()) await w.stop();
    await nats?.stop();
});

// The most that ran at the same time, by the results' own times.
function together(results) {
    const steps = results.flatMap((r) => [[Date.parse(r.started_at), 1], [Date.parse(r.finished_at), -1]]);
    steps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    let now = 0, most = 0;
    for (const [, step] of steps) most = Math.max(most, now += step);
    return most;
}

test('one at a time on two workers', async () => {
    for (let i = 0; i < 8; i++) await c.publish({ id: `one-${i}`, script: spinning(40), concurrency_key: 'db' });
    const results = await Promise.all([...Array(8).keys()].map((i) => c.result(`one-${i}`)));
    assert.deepEqual(results.map((r) => r.outcome), Array(8).fill('ok'));
    assert.equal(together(results), 1);
});

test('two at a time with concurrency_limit 2', async () => {
    for (let i = 0; i < 8; i++) await c.publish({ id: `two-${i}`, script: spinning(60), concurrency_key: 'pair', concurrency_limit: 2 });
    const results = await Promise.all([...Array(8).keys()].map((i) => c.result(`two-${i}`)));
    assert.ok(together(results) <= 2);
});

test('a job that waits for its key stops no other; it can be cancelled; retries keep the key', async () => {
    await c.publish({ id: 'holds', script: 'await new Promise((r) => setTimeout(r, 1e8))', limits: { wall_ms: 120_000 }, concurrency_key: 'k' });
    await until('it runs', async () => (await c.get('holds')).state === 'running');
    for (let i = 0; i < 5; i++) await c.publish({ id: `waits-${i}`, script: '1', concurrency_key: 'k' });
    await c.publish({ id: 'again', script: 'throw 1', concurrency_key: 'k', max_attempts: 2, retry_on: ['threw'], backoff: { delay_ms: 10 } });
    await c.publish({ id: 'free', script: '1' });
    await c.publish({ id: 'elsewhere', script: '1', concurrency_key: 'l' });
    await c.result('free');
    await c.result('elsewhere');
    assert.equal((await c.get('holds')).state, 'running');
    assert.notEqual((await c.get('waits-0')).state, 'running');
    c.nc.publish('isolane.cancel.waits-3');
    assert.equal((await c.result('waits-3')).outcome, 'cancelled');
    assert.equal((await c.get('holds')).state, 'running');
    await c.cancel('holds');
    const results = await Promise.all(['holds', 'again', 'waits-0', 'waits-1', 'waits-2', 'waits-4'].map((id) => c.result(id)));
    assert.deepEqual(results.map((r) => r.outcome), ['cancelled', 'threw', 'ok', 'ok', 'ok', 'ok']);
    assert.equal(results[1].attempts, 2);
    assert.equal(together(results), 1);
});

test('a worker that is killed gives its place back by expiry: exactly one result each, never two at once', async () => {
    await c.publish({ id: 'killed', ...long, script: spinning(5000), concurrency_key: 'dies' });
    await until('it runs', async () => (await c.get('killed')).state === 'running');
    await c.publish({ id: 'next', script: spinning(200), concurrency_key: 'dies' });
    await (await until('one to have a cell at work', () => workers.find((w) => w.cells().some((pid) => cpu_ms(pid) >= 150)))).kill();
    const results = await Promise.all(['killed', 'next'].map((id) => c.result(id)));
    assert.deepEqual(results.map((r) => r.outcome), ['ok', 'ok']);
    assert.equal(together(results), 1);
});

test('wrong keys are refused in words', async () => {
    for (const [job, words] of [
        [{ concurrency_key: 'a b' }, /concurrency_key: found "a b"; allowed: 1 to 64 of A-Z a-z 0-9 _ = -/],
        [{ concurrency_key: '' }, /concurrency_key: found ""/],
        [{ concurrency_limit: 2 }, /concurrency_limit: found without concurrency_key/],
        [{ concurrency_key: 'a', concurrency_limit: 0 }, /concurrency_limit: found 0; allowed: a whole number from 1 to 100/],
    ]) {
        const { seq } = await c.publish({ script: '1', ...job });
        const r = await c.result(seq);
        assert.equal(r.outcome, 'invalid');
        assert.match(r.error.message, words);
    }
});
