// SIGTERM: what runs may end, what waits is handed back and done by the next worker at once.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder } from './lib/place.mjs';
import { is_gone, isolane, send_signal, sleep, until } from './lib/process.mjs';
import { NatsServer, up, worker } from './lib/worker.mjs';

let nats, c;
before(async () => {
    nats = await NatsServer.start();
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    await nats?.stop();
});

const config = { max_running: 1 }; // ack_wait stays at half a minute: redelivery would not come in time

test('running jobs end, waiting ones are handed back and run by the next worker without delay', async () => {
    const a = await worker(nats.url, { config: { ...config, worker: 'a' } });
    await c.publish({ id: 'running', script: 'await new Promise((r) => setTimeout(r, 4000)); export default "ended"' });
    await until('it to run', async () => (await c.get('running')).state === 'running');
    const waiting = ['waiting-1', 'waiting-2', 'waiting-3'];
    for (const id of waiting) await c.publish({ id, script: 'export default 1' });
    await until('them to wait', async () => (await c.get('waiting-3')).state === 'queued');
    await a.stop();
    const r = await c.result('running', { timeout: 1000 });
    assert.deepEqual([r.outcome, r.value, r.worker], ['ok', 'ended', 'a']);
    assert.equal(await c.jobs_left(), 3);
    assert.equal(await c.direct('waiting-1'), null, 'none of them was started');

    const begun = Date.now();
    const b = await worker(nats.url, { config: { ...config, worker: 'b' } });
    for (const id of waiting) {
        const next = await c.result(id);
        assert.deepEqual([next.outcome, next.worker, next.attempts], ['ok', 'b', 1]);
    }
    assert.ok(Date.now() - begun < 20_000, 'not by the server\'s time-out');
    await b.stop();
    assert.equal(await c.jobs_left(), 0);
});

test('a second signal cuts the grace short: the running job goes back to the queue', async () => {
    const a = await worker(nats.url, { config: { ...config, worker: 'a' } });
    await c.publish({ id: 'long', script: 'await new Promise((r) => setTimeout(r, job.attempt && 3000)); export default "ended"' });
    await until('it to run', async () => (await c.get('long')).state === 'running');
    send_signal(a.pid, 'SIGTERM');
    await sleep(200);
    assert.ok(a.is_up(), 'it waits for the job');
    const end_of_a = a.stop();
    assert.equal((await end_of_a).code, 0);
    assert.equal(await c.direct('long'), null);
    const b = await worker(nats.url, { config: { ...config, worker: 'b' } });
    const r = await c.result('long');
    assert.deepEqual([r.outcome, r.worker], ['ok', 'b']);
    await b.stop();
});

test('SIGINT is the same as SIGTERM; an idle `up` ends at once and takes its server with it', async () => {
    const w = await up();
    const server = w.nats_pid();
    assert.ok(server);
    assert.ok(existsSync(join(w.data, 'nats.url')));
    send_signal(w.pid, 'SIGINT');
    const end = await w.end();
    assert.deepEqual([end.code, end.signal], [0, null], end.stderr);
    await until('its server to be gone', () => is_gone(server));
    assert.equal(existsSync(join(w.data, 'nats.url')), false);
});

test('`up` after `up` on the same folder goes on with what the first left: queue, results, chain', async () => {
    const data = fresh_folder();
    let w = await up({ data, config });
    let client = await Client.connect(w.url);
    await client.publish({ id: 'done', script: 'export default 1' });
    await client.result('done');
    await client.publish({ id: 'busy', script: 'await new Promise((r) => setTimeout(r, 1500))' });
    await until('it to run', async () => (await client.get('busy')).state === 'running');
    await client.publish({ id: 'left', script: 'export default 2' });
    await client.close();
    await w.stop();
    w = await up({ data, config });
    client = await Client.connect(w.url);
    const left = await client.result('left', { timeout: 15_000 }); // not by the server's time-out of half a minute
    assert.deepEqual([left.value, left.seq], [2, 3]);
    assert.equal((await client.result('done')).seq, 1);
    await client.close();
    await w.stop();
    const end = await isolane(['verify', '--db', join(data, 'results.db'), '--data', data]);
    assert.equal(end.code, 0, end.stdout + end.stderr);
});

test('`up --detach` prints the line and returns; the worker goes on, and ends by its pid', async () => {
    const data = fresh_folder();
    const started = await isolane(['up', '--detach', '--data', data]);
    assert.equal(started.code, 0, started.stderr);
    const [, pid, folder, url] = started.stdout.match(/^isolane is up \(pid (\d+), data (.*)\): (nats:\/\/127\.0\.0\.1:\d+)\n$/);
    assert.equal(folder, data);
    try {
        const end = await isolane(['submit', '-', '--data', data, '--wait'], { input: 'console.log("detached")' });
        assert.equal(end.code, 0, end.stdout + end.stderr);
        const client = await Client.connect(url);
        assert.equal((await client.execute({ script: 'export default 3' })).value, 3);
        await client.close();
    } finally {
        send_signal(Number(pid), 'SIGTERM');
    }
    await until('it to be gone', () => is_gone(Number(pid)));
});
