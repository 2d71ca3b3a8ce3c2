// One worker after the other is replaced by another build while jobs flow; workers with different V8 in one cluster.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, open_envelope } from './lib/client.mjs';
import { Flow, check_databases } from './lib/cluster.mjs';
import { build, fresh_folder, root } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { NatsServer, worker } from './lib/worker.mjs';

const older = join(build, 'older', 'isolane');
const other_engine = join(root, 'build', 'other-engine');
const engine = { ISOLANE_ENGINE_DIR: join(root, 'build', 'engine') };

let nats, c;
before(async () => {
    nats = await NatsServer.start();
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    await nats?.stop();
});

const start = (name, data, more = {}) =>
    worker(nats.url, { data, config: { worker: name, max_running: 2, nats: { prefetch: 8, heartbeat_s: 1 } }, env: engine, ...more });

async function versions() {
    const end = await isolane(['workers', '--nats', nats.url, '--json']);
    return end.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)).map((w) => `${w.worker} ${w.version}`);
}

test('drain, install, start, one worker after the other: every job runs once and has one result', { skip: !existsSync(older) && 'no older build: make older' }, async () => {
    const data = { a: fresh_folder(), b: fresh_folder() };
    const workers = { a: await start('a', data.a, { file: older }), b: await start('b', data.b, { file: older }) };
    assert.deepEqual(await versions(), ['a 0.0.9', 'b 0.0.9']);
    const flow = new Flow(c, { prefix: 'upgrade', script: (i) => `await new Promise((r) => setTimeout(r, ${i % 10 === 0 ? 400 : 20})); export default ${i}` });
    await flow.flowing(0);
    for (const name of ['a', 'b']) {
        const end = await isolane(['drain', name, '--wait', '--timeout', '20', '--nats', nats.url]);
        assert.equal(end.code, 0, end.stderr);
        assert.equal((await workers[name].end()).code, 0);
        workers[name] = await start(name, data[name]);
        if (name === 'a') assert.notEqual((await versions())[0], 'a 0.0.9');
        if (name === 'a') assert.equal((await versions())[1], 'b 0.0.9');
    }
    assert.ok((await versions()).every((v) => !v.endsWith('0.0.9')));
    await flow.stop();
    await flow.check();
    assert.ok([...flow.seen.values()].every((n) => n === 1), 'no result was offered twice');
    for (let i = 0; i < flow.published; i++) {
        const r = open_envelope(await c.direct(`upgrade-${i}`));
        assert.deepEqual([r.outcome, r.value, r.attempts], ['ok', i, 1]);
    }
    const { twice } = await check_databases({ client: c, workers: new Map(Object.entries(data).map(([k, d]) => [k, { data: d }])) });
    assert.equal(twice, 0, 'nothing ran twice');
    for (const w of Object.values(workers)) await w.stop();
});

test('two workers with different V8 share the queue; each result says which engine ran it', { skip: !existsSync(join(other_engine, 'snapshot.bin')) && 'no second engine folder: make other-engine' }, async () => {
    const one = await start('one', fresh_folder()), other = await start('other', fresh_folder(), { env: { ISOLANE_ENGINE_DIR: other_engine } });
    const flow = new Flow(c, { prefix: 'engines' });
    await until('both to have run some', () => flow.ticks.length > 40);
    await flow.stop();
    await flow.check();
    const engines = {};
    for (let i = 0; i < flow.published; i++) {
        const r = open_envelope(await c.direct(`engines-${i}`));
        assert.deepEqual([r.outcome, r.value], ['ok', i]);
        (engines[r.worker] ??= new Set()).add(r.engine);
    }
    assert.deepEqual(Object.keys(engines).sort(), ['one', 'other']);
    assert.deepEqual([engines.one.size, engines.other.size], [1, 1]);
    assert.notEqual([...engines.one][0], [...engines.other][0]);
    console.log(`# ${[...engines.one][0]} beside ${[...engines.other][0]}`);
    await one.stop();
    await other.stop();
});
