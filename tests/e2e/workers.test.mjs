// Workers among others: the registry, names that are unique, drains by name.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, program } from './lib/place.mjs';
import { isolane, start, until } from './lib/process.mjs';
import { NatsServer, config_file, impatient, worker } from './lib/worker.mjs';

const beat = { nats: { ...impatient.nats, heartbeat_s: 1 } };
let nats, c;
before(async () => {
    nats = await NatsServer.start();
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    await nats?.stop();
});

async function list() {
    const end = await isolane(['workers', '--nats', nats.url, '--json']);
    assert.ok(end.code <= 1, end.stderr);
    return Object.fromEntries(end.stdout.split('\n').filter(Boolean).map((l) => [JSON.parse(l).worker, JSON.parse(l)]));
}

test('workers: who is there, what each does; nobody after a clean end', async () => {
    const none = await isolane(['workers', '--nats', nats.url]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /no worker is registered/);
    const a = await worker(nats.url, { config: { ...beat, worker: 'a', max_running: 2 } });
    const b = await worker(nats.url, { config: { ...beat, worker: 'rack.b' } });
    const all = await list();
    assert.deepEqual(Object.keys(all), ['a', 'rack.b']);
    assert.equal(all.a.pid, a.pid);
    assert.equal(all.a.state, 'taking');
    assert.equal(all.a.max_running, 2);
    assert.equal(all.a.silent, false);
    assert.match(all.a.version, /^\d+\.\d+\.\d+/);
    assert.match(all.a.engine, /^v8 \d+/);
    assert.match(all.a.keyid, /^[0-9a-f]{64}$/);
    assert.notEqual(all.a.keyid, all['rack.b'].keyid);
    assert.ok(all.a.jail.includes('seccomp'));
    await c.execute({ script: 'export default 1' });
    await until('the result to be counted', async () => Object.values(await list()).reduce((n, w) => n + w.done, 0) === 1);
    const table = await isolane(['workers', '--nats', nats.url]);
    assert.equal(table.code, 0);
    assert.match(table.stdout, /^worker +state.*\na +taking .*\nrack\.b +taking /);
    await a.stop();
    await b.stop();
    assert.deepEqual(await list(), {});
});

test('a second worker of a name is refused and told who the first is; the first goes on', async () => {
    const a = await worker(nats.url, { config: { ...beat, worker: 'same' } });
    const second = await isolane(['worker', '--nats', nats.url, '--data', fresh_folder(), '--config', config_file({ ...beat, worker: 'same' })]);
    assert.equal(second.code, 3);
    assert.match(second.stderr, new RegExp(`a worker named 'same' is there already: pid ${a.pid} on .*; give this one a name of its own`));
    assert.equal((await c.execute({ script: 'export default 2' })).worker, 'same');
    await a.stop();
});

test('a worker that was killed is shown as silent, and is started again under its name at once', async () => {
    const data = fresh_folder();
    const a = await worker(nats.url, { data, config: { ...beat, worker: 'killed' } });
    await a.kill();
    await until('it to be silent', async () => (await list()).killed.silent);
    const end = await isolane(['workers', '--nats', nats.url]);
    assert.equal(end.code, 1);
    assert.match(end.stdout, /killed +silent/);
    const again = await worker(nats.url, { data, config: { ...beat, worker: 'killed' } });
    assert.equal((await list()).killed.pid, again.pid);
    await again.stop();
});

test('entries that change while they are read: each worker is listed, and once', async () => {
    const a = await worker(nats.url, { config: { ...beat, worker: 'beats' } });
    const stored = await c.jsm.streams.getMessage('KV_ISOLANE_WORKERS', { last_by_subj: '$KV.ISOLANE_WORKERS.beats' });
    const twin = new TextDecoder().decode(stored.data).replace('"beats"', '"twin"');
    let go = true;
    const put = () => c.js.publish('$KV.ISOLANE_WORKERS.twin', twin);
    await put();
    const changing = (async () => { while (go) await put(); })();
    for (let i = 0; i < 5; i++) {
        const end = await isolane(['workers', '--nats', nats.url, '--json']);
        assert.equal(end.code, 0, end.stderr);
        assert.deepEqual(end.stdout.trim().split('\n').map((l) => JSON.parse(l).worker), ['beats', 'twin']);
    }
    go = false;
    await changing;
    await c.js.publish('$KV.ISOLANE_WORKERS.twin', '{"worker":7}');
    const end = await isolane(['workers', '--nats', nats.url, '--json']);
    assert.equal(JSON.parse(end.stdout).worker, 'beats');
    assert.match(end.stderr, /1 entries of the registry at .* cannot be read; entry 'twin': worker: found number/);
    await c.jsm.streams.purge('KV_ISOLANE_WORKERS', { filter: '$KV.ISOLANE_WORKERS.twin' });
    await a.stop();
});

test('drain by name: waiting jobs go back at once, running ones end, the process exits 0; no other is touched', async () => {
    const a = await worker(nats.url, { config: { ...beat, worker: 'leaves', max_running: 1 } });
    await c.publish({ id: 'runs', script: 'await new Promise((r) => setTimeout(r, 5000)); export default "ended"' });
    await until('it to run', async () => (await c.get('runs')).state === 'running');
    await c.publish({ id: 'waits', script: 'export default 1' });
    await until('it to wait', async () => (await c.get('waits')).state === 'queued');
    const b = await worker(nats.url, { config: { ...beat, worker: 'stays' } });
    const drained = start(program, ['drain', 'leaves', '--wait', '--nats', nats.url]);
    await until('it to drain', async () => (await list()).leaves?.state === 'draining');
    assert.equal((await c.result('waits')).worker, 'stays');
    assert.equal(await c.direct('runs'), null);
    const end = await drained.ended;
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /worker leaves has drained and ended/);
    assert.deepEqual([(await a.end()).code, a.is_up()], [0, false]);
    const r = await c.result('runs');
    assert.deepEqual([r.worker, r.value, r.attempts], ['leaves', 'ended', 1]);
    assert.deepEqual(Object.keys(await list()), ['stays']);
    await b.stop();
});

test('drain --timeout 0 hands what runs back, for another worker to run', async () => {
    const a = await worker(nats.url, { config: { ...beat, worker: 'hurried' } });
    const ends = Date.now() + 5000; // wherever it runs
    await c.publish({ id: 'moved', script: `await new Promise((r) => setTimeout(r, ${ends} - Date.now())); export default 1` });
    await until('it to run', async () => (await c.get('moved')).state === 'running');
    const end = await isolane(['drain', 'hurried', '--timeout', '0', '--wait', '--nats', nats.url]);
    assert.equal(end.code, 0, end.stderr);
    assert.equal((await a.end()).code, 0);
    assert.equal(await c.direct('moved'), null);
    const b = await worker(nats.url, { config: { ...beat, worker: 'calm' } });
    assert.equal((await c.result('moved')).worker, 'calm');
    await b.stop();
});

test('drain: what is wrong is said', async () => {
    const nobody = await isolane(['drain', 'nobody', '--nats', nats.url]);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /no worker named 'nobody' answers/);
    assert.equal((await isolane(['drain', 'a b', '--nats', nats.url])).code, 2);
    assert.equal((await isolane(['drain', 'a', '--timeout', '-1', '--nats', nats.url])).code, 2);
    const a = await worker(nats.url, { config: { ...beat, worker: 'asked' } });
    for (const [request, says] of [['{', /request/], ['[]', /found array/], ['{"timeout_s":"1"}', /timeout_s/], ['{"timeout_s":90000}', /0 to 86400/]])
        assert.match((await (await c.nc.request('isolane.workers.asked.drain', request)).json()).error, says);
    assert.equal((await list()).asked.state, 'taking');
    await a.stop();
});

test('heartbeat_s 0: no entry, jobs are run', async () => {
    const a = await worker(nats.url, { config: { nats: { heartbeat_s: 0 }, worker: 'hidden' } });
    assert.equal((await c.execute({ script: 'export default 3' })).worker, 'hidden');
    assert.deepEqual(await list(), {});
    await a.stop();
});
