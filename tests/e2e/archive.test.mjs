// The results of a cluster in one database: followed, verified, killed, gone on with.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, program, scratch } from './lib/place.mjs';
import { isolane, send_signal, start, until } from './lib/process.mjs';
import { NatsServer, worker } from './lib/worker.mjs';

let nats, c, a, b, keys, files = 0;
const fresh = () => join(scratch, `archive-${++files}.db`);
const lines = (text) => text.split('\n').filter(Boolean);
const archive = (db, ...args) => isolane(['archive', '--db', db, '--nats', nats.url, '--once', '--json', ...args]);

async function fill(prefix, n) {
    for (let i = 0; i < n; i++) {
        // The first two hold one worker up, so that the other one has some as well.
        const nap = prefix === 'first' && i < 2 ? 'await new Promise((r) => setTimeout(r, 700)); ' : '';
        const job = { id: `${prefix}-${i}`, script: nap + (i % 4 ? `console.log(${i}); export default ${i}` : 'throw new Error("\\u0007 no")') };
        await until('the job to be taken', () => c.publish(job, { msg_id: job.id }).catch(() => null)); // the server may be coming back
    }
    for (let i = 0; i < n; i++) await c.result(`${prefix}-${i}`);
}

before(async () => {
    nats = await NatsServer.start();
    c = await Client.connect(nats.url);
    const config = { max_running: 1, nats: { prefetch: 1 } };
    a = await worker(nats.url, { config: { ...config, worker: 'a' } });
    b = await worker(nats.url, { config: { ...config, worker: 'b' } });
    keys = fresh_folder('keys');
    mkdirSync(keys);
    copyFileSync(join(a.data, 'worker.pub'), join(keys, 'a.pub'));
    copyFileSync(join(b.data, 'worker.pub'), join(keys, 'b.pub'));
    await fill('first', 40);
});
after(async () => {
    await c?.close();
    await a?.stop();
    await b?.stop();
    await nats?.stop();
});

test('--once with the workers\' keys: every result of both, verified; ls, export, backup and verify read it', async () => {
    const db = fresh();
    const end = await archive(db, '--trust', keys);
    assert.equal(end.code, 0, end.stderr);
    const told = JSON.parse(end.stdout);
    assert.deepEqual([told.results, told.missing, told.chains.map((x) => x.worker), told.gaps], [40, 0, ['a', 'b'], []]);
    assert.ok(told.chains.every((x) => x.given && x.results > 0));
    const listed = lines((await isolane(['ls', '--db', db, '--json', '-n', '100'])).stdout).map(JSON.parse);
    assert.equal(listed.length, 40);
    assert.equal(new Set(listed.map((r) => `${r.chain}/${r.seq}`)).size, 40);
    const seen = [];
    for (let after = []; ;) {
        const page = await isolane(['ls', '--db', db, '--json', '-n', '7', ...after]);
        seen.push(...lines(page.stdout).map((l) => JSON.parse(l).id));
        const more = page.stderr.match(/^more: --after (\d+)$/m);
        if (!more) break;
        after = ['--after', more[1]];
    }
    assert.deepEqual([seen.length, new Set(seen).size], [40, 40]);
    const exported = lines((await isolane(['export', '--db', db, '--id', 'first-5'])).stdout).map(JSON.parse);
    assert.deepEqual(exported, [await c.result('first-5')]);
    const copy = fresh();
    const backup = await isolane(['backup', copy, '--db', db, '--json']);
    assert.equal(JSON.parse(backup.stdout).results, 40, backup.stderr);
    for (const args of [[], ['--key', keys], ['--integrity']]) {
        const verified = await isolane(['verify', '--db', copy, ...args]);
        assert.equal(verified.code, 0, verified.stderr);
        assert.match(verified.stdout, /verified: archive .*: 40 results of 2 chains/);
    }
    assert.match((await isolane(['verify', '--db', copy, '--key', join(keys, 'a.pub')])).stderr, /NOT verified: .*not trusted/);
    const again = await archive(db);
    assert.deepEqual([again.code, JSON.parse(again.stdout).results], [0, 40], 'nothing twice; the keys are remembered');
});

test('keys: none, too few, learnt from the registry; what was not trusted comes in when its key does', async () => {
    const none = await archive(fresh());
    assert.equal(none.code, 2);
    assert.match(none.stderr, /--trust: no key is known/);
    const db = fresh();
    const half = await archive(db, '--trust', join(keys, 'a.pub'));
    assert.equal(half.code, 1);
    const told = JSON.parse(half.stdout);
    assert.equal(told.faults.untrusted, 40 - told.results);
    assert.match(half.stderr, /untrusted: signed by key [0-9a-f]{64}, which is not trusted/);
    assert.equal((await isolane(['verify', '--db', db])).code, 1);
    const learnt = await archive(db, '--trust-new');
    assert.equal(learnt.code, 0, learnt.stderr);
    assert.match(learnt.stderr, /trusting key [0-9a-f]{64} of worker b on .*, seen for the first time/);
    const whole = JSON.parse(learnt.stdout);
    assert.deepEqual([whole.results, whole.faults.untrusted, whole.chains.map((x) => x.given)], [40, 0, [true, false]]);
});

test('killed while it follows: what it goes on with is neither lost nor doubled', async () => {
    const db = fresh();
    const follow = () => start(program, ['archive', '--db', db, '--nats', nats.url, '--trust', keys, '--json']);
    const count = async () => lines((await isolane(['ls', '--db', db, '--json', '-n', '100000'])).stdout).length;
    let p = follow();
    await until('it to have begun', async () => await count() >= 40);
    for (let i = 0; i < 4; i++) {
        const before = await count();
        const filling = fill(`second-${i}`, 30);
        await until('it to go on', async () => await count() > before);
        p.child.kill('SIGKILL');
        await p.ended;
        p = follow();
        await filling;
    }
    await until('all to be archived', async () => await count() === 160);
    send_signal(p.pid, 'SIGTERM');
    const end = await p.ended;
    assert.equal(end.code, 0, end.stderr);
    const told = JSON.parse(end.stdout);
    assert.deepEqual([told.results, told.missing], [160, 0]);
    const verified = await isolane(['verify', '--db', db, '--key', keys]);
    assert.match(verified.stdout, /160 results of 2 chains/, verified.stderr);
});

test('a connection that is lost and comes back: it follows on by itself', async () => {
    const db = fresh();
    const p = start(program, ['archive', '--db', db, '--nats', nats.url, '--trust', keys, '--json']);
    const count = async () => lines((await isolane(['ls', '--db', db, '--json', '-n', '100000'])).stdout).length;
    await until('it to have begun', async () => await count() >= 160);
    await nats.stop('SIGKILL');
    await nats.restart();
    await fill('third', 10);
    await until('it to have the new ones', async () => await count() === 170, { timeout: 40_000 });
    send_signal(p.pid, 'SIGINT');
    assert.equal((await p.ended).code, 0);
});

test('retention: checkpoints are in the stream, so the archive knows why a chain has places without a result', async () => {
    const server = await NatsServer.start(), client = await Client.connect(server.url), db = fresh();
    const short = { worker: 'short', retention: { max_rows: 5 }, retention_interval_s: 1 };
    const w = await worker(server.url, { config: short });
    const heard = [];
    client.nc.subscribe('isolane.results.=checkpoints.>', { callback: (_, m) => heard.push(m.subject) });
    for (let i = 0; i < 20; i++) await client.execute({ id: `r-${i}`, script: 'export default 1' });
    await until('a checkpoint', () => heard.length > 0);
    for (let i = 0; i < 3; i++) await client.execute({ id: `s-${i}`, script: 'export default 1' });
    await w.stop();
    const again = await worker(server.url, { data: w.data, config: short }); // publishes the newest once more: the stream has it
    await client.execute({ id: 'last', script: 'export default 1' });
    await again.stop();
    const end = await isolane(['archive', '--db', db, '--nats', server.url, '--once', '--json', '--trust', join(w.data, 'worker.pub')]);
    assert.equal(end.code, 0, end.stderr);
    const told = JSON.parse(end.stdout);
    assert.deepEqual([told.results, told.missing, told.gaps], [24, 0, []], end.stdout + end.stderr);
    const verified = await isolane(['verify', '--db', db]);
    assert.equal(verified.code, 0, verified.stderr);
    const { state } = await client.jsm.streams.info('ISOLANE_RESULTS', { subjects_filter: 'isolane.results.=checkpoints.>' });
    assert.ok(Object.values(state.subjects).every((n) => n === 1), 'each once');
    await client.close();
    await server.stop();
});

test('a result that somebody took out of the stream is a gap, said at once and in the summary', async () => {
    const seq = (await c.jsm.direct.getMessage('ISOLANE_RESULTS', { last_by_subj: 'isolane.results.default.first-20' })).seq;
    const { worker: name, seq: place } = await c.result('first-20');
    await c.jsm.streams.deleteMessage('ISOLANE_RESULTS', seq);
    const db = fresh();
    const end = await archive(db, '--trust', keys);
    assert.equal(end.code, 1);
    assert.match(end.stderr, new RegExp(`gap: worker ${name}, seq ${place} to ${place} are not there`));
    const told = JSON.parse(end.stdout);
    assert.deepEqual(told.gaps.map((g) => [g.worker, g.first, g.last]), [[name, place, place]]);
    // The worker's own database has it: that is how to tell.
    const own = lines((await isolane(['ls', '--data', (name === 'a' ? a : b).data, '--json', '-n', '1000'])).stdout).map(JSON.parse);
    assert.equal(own.find((r) => r.seq === place).id, 'first-20');
});

test('a data folder that was copied to a second worker: its chain forks, and the archive says so', async () => {
    await a.stop();
    const copied = fresh_folder('copied');
    cpSync(a.data, copied, { recursive: true });
    await b.stop();
    const config = { nats: { heartbeat_s: 1 } };
    a = await worker(nats.url, { data: a.data, config: { ...config, worker: 'a' } });
    await fill('fork-a', 2);
    await a.stop();
    b = await worker(nats.url, { data: copied, config: { ...config, worker: 'a-copy' } });
    await fill('fork-b', 2);
    const end = await archive(fresh(), '--trust', keys);
    assert.equal(end.code, 1);
    assert.match(end.stderr, /fork: worker a-copy signed another statement for seq \d+ of its chain: its key is in use twice/);
    assert.ok(JSON.parse(end.stdout).faults.fork >= 2);
    a = await worker(nats.url, { data: a.data, config: { ...config, worker: 'a' } });
});

test('what is wrong is said', async () => {
    assert.match((await isolane(['archive', '--nats', nats.url])).stderr, /--db: missing/);
    const results = join(a.data, 'results.db');
    const wrong = await archive(results, '--trust', keys);
    assert.equal(wrong.code, 3);
    assert.match(wrong.stderr, /of another program or kind/);
    const none = await archive(fresh(), '--trust', join(scratch, 'no-such-folder'));
    assert.notEqual(none.code, 0);
    assert.match(none.stderr, /--trust: cannot open/);
    assert.ok(readFileSync(results).length > 0);
});
