// Schedules: jobs at given times, each tick started once, whoever dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from './lib/client.mjs';
import { scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { NatsServer, impatient, worker } from './lib/worker.mjs';

let nats, c;
const file = join(scratch, 'tick.mjs');
before(async () => {
    writeFileSync(file, 'export default job.id');
    nats = await NatsServer.start();
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    await nats?.stop();
});

const schedule = (...args) => isolane(['schedule', ...args, '--nats', nats.url]);
const ok = async (...args) => {
    const end = await schedule(...args);
    assert.equal(end.code, 0, end.stderr);
    return end.stdout;
};
const list = async () => Object.fromEntries((await schedule('ls', '--json')).stdout.split('\n').filter(Boolean)
    .map((l) => [JSON.parse(l).name, JSON.parse(l)]));

/** The ticks of a schedule that have a result: seconds since 1970, in order. */
async function ticks(name) {
    const found = Object.entries(await c.result_counts()).filter(([s]) => s.startsWith(`isolane.results.default.${name}:2`));
    for (const [subject, n] of found) assert.equal(n, 1, subject);
    return found.map(([s]) => s.slice(-16).replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z')).map((t) => Date.parse(t) / 1000).sort();
}

/** Each job was run once: one result each, and no second message of it was ever taken by the queue. */
async function assert_started_once(name, least) {
    await ok('pause', name);
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
    const all = await ticks(name);
    assert.ok(all.length >= least, `${all.length} ticks`);
    for (let i = 1; i < all.length; i++) assert.equal(all[i], all[i - 1] + 1, 'every second one');
    return all;
}

const published = async () => (await c.jsm.streams.info('ISOLANE_JOBS')).state.last_seq;

test('two workers, a tick every second: each started once, by whoever; pause, resume, run, rm', async () => {
    const a = await worker(nats.url, { config: { ...impatient, worker: 'a' } });
    const b = await worker(nats.url, { config: { ...impatient, worker: 'b' } });
    const before = await published();
    assert.match(await ok('add', 'secondly', file, '--cron', '* * * * * *'), /^secondly next 20..-..-..T..:..:..Z\n$/);
    await until('some ticks', async () => (await ticks('secondly')).length >= 4);
    const all = await assert_started_once('secondly', 4);
    assert.equal(await published() - before, all.length);
    const r = await c.result(`secondly:${new Date(all[0] * 1000).toISOString().replace(/[-:]|\.\d+/g, '')}`);
    assert.equal(r.value, r.id);
    assert.equal((await list()).secondly.state, 'paused');
    await ok('resume', 'secondly');
    await until('more ticks', async () => (await ticks('secondly')).at(-1) > all.at(-1));
    assert.ok((await ticks('secondly'))[all.length] > all.at(-1), 'those of the pause are not made up for');
    const id = (await ok('run', 'secondly')).trim();
    assert.match(id, /^secondly:run-[0-9a-f]{12}$/);
    assert.equal((await c.result(id)).value, id);
    await ok('rm', 'secondly');
    assert.deepEqual(await list(), {});
    assert.equal((await schedule('show', 'secondly')).code, 1);
    await a.stop();
    await b.stop();
});

for (const point of ['schedule_published', 'schedule_advanced'])
    test(`a worker that dies at ${point}: no tick is lost or started twice`, async () => {
        const name = point.replace('_', '-'), before = await published();
        const dies = await worker(nats.url, { config: { ...impatient, worker: 'dies' }, env: { ISOLANE_FAULT: `${point}@2` } });
        await ok('add', name, file, '--cron', '* * * * * *');
        assert.equal((await dies.end()).signal, 'SIGKILL');
        const lives = await worker(nats.url, { config: { ...impatient, worker: 'lives' } });
        await until('ticks of both', async () => (await ticks(name)).length >= 5);
        const all = await assert_started_once(name, 5);
        assert.equal(await published() - before, all.length);
        await ok('rm', name);
        await lives.stop();
    });

test('missed ticks by policy, when a worker comes back after an hour', async () => {
    const created = new Date(Date.now() - 3600_000).toISOString().replace(/\.\d+/, '');
    for (const missed of ['once', 'skip', 'all']) {
        await ok('add', missed, file, '--cron', '@every 10m', '--missed', missed, '--paused');
        const kv = `$KV.ISOLANE_SCHEDULES.default.${missed}`;
        const value = (await c.jsm.direct.getMessage('KV_ISOLANE_SCHEDULES', { last_by_subj: kv })).json();
        assert.equal(value.missed, missed);
        await c.js.publish(kv, JSON.stringify({ ...value, paused: false, created_at: created, since: created }));
    }
    const w = await worker(nats.url);
    await until('all to have caught up', async () => Object.values(await list()).every((s) => s.last_tick !== null));
    await until('the last of all', async () => (await ticks('all')).length >= 5);
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
    // The sixth tick is of this moment: in time for each of them.
    await until('each to have its ticks', async () => {
        const counts = await Promise.all(['once', 'skip', 'all'].map(async (n) => (await ticks(n)).length));
        return [[2, 1, 6], [1, 0, 5]].some((x) => x.join() === counts.join());
    });
    await ok('rm', 'once', 'skip', 'all');
    await w.stop();
});

test('bad entries are shown, do not tick, and harm nobody', async () => {
    const w = await worker(nats.url);
    await c.js.publish('$KV.ISOLANE_SCHEDULES.default.broken', '{"cron":"* * * *","job":{"script":"1"}}');
    await c.js.publish('$KV.ISOLANE_SCHEDULES.default.text', 'nonsense');
    await c.js.publish('$KV.ISOLANE_SCHEDULES.nobody.job', '{"cron":"* * * * * *","job":{"script":"1"}}');
    await ok('add', 'good', file, '--cron', '* * * * * *', '--input', '{"a":1}', '--cpu-ms', '100');
    await until('the good one to tick', async () => (await ticks('good')).length > 0);
    const all = await until('the worker to say what it cannot start', async () => {
        const l = await list();
        return l.job.error && l;
    });
    assert.match(all.broken?.error ?? (await schedule('ls')).stdout, /cron: found 4 fields/);
    assert.match(all.job.error, /tenant: found 'nobody'/);
    assert.equal(all.good.state, 'on');
    assert.equal((await schedule('ls')).code, 1);
    assert.equal(w.stderr.match(/default\.broken does not tick/g).length, 1);
    assert.match(await ok('show', 'good'), /cron +\* \* \* \* \* \*\n[^]*job +\{.*"input":\{"a":1\}/);
    await ok('rm', 'good', 'broken', 'text');
    await ok('rm', 'job', '--tenant', 'nobody');
    await w.stop();
});

test('what is wrong on the command line is said', async () => {
    for (const [args, says] of [
        [['add', 'x', file], /--cron is missing/],
        [['add', 'x', file, '--cron', '0 0 30 2 *'], /--cron: found a day that never comes/],
        [['add', 'x', file, '--cron', '@daily', '--zone', 'Mars/X'], /--zone: found "Mars\/X"; allowed: a time zone/],
        [['add', 'x', file, '--cron', '@daily', '--from', 'soon'], /--from: found "soon"/],
        [['add', 'a b', file, '--cron', '@daily'], /found the name 'a b'/],
        [['add', 'x'], /add: found 1 argument; allowed: NAME FILE/],
        [['frobnicate'], /found 'frobnicate'; allowed: add, ls/],
        [['next'], /either NAME or --cron/],
    ]) {
        const end = await schedule(...args);
        assert.equal(end.code, 2, end.stderr);
        assert.match(end.stderr, says);
    }
    await ok('add', 'twice', file, '--cron', '@daily');
    const again = await schedule('add', 'twice', file, '--cron', '@hourly');
    assert.equal(again.code, 3);
    assert.match(again.stderr, /has a schedule 'twice' already \(--replace/);
    await ok('add', 'twice', file, '--cron', '@hourly', '--replace');
    assert.equal((await list()).twice.cron, '@hourly');
    const next = await isolane(['schedule', 'next', '--cron', '30 2 29 2 *', '--zone', 'Europe/Berlin', '-n', '2', '--json']);
    assert.equal(JSON.parse(next.stdout).length, 2);
    for (const t of JSON.parse(next.stdout)) assert.match(t, /-02-29T01:30:00Z$/);
    await ok('rm', 'twice');
});
