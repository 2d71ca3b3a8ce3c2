// Cells that were taken over, among honest ones: the fake engine in place of V8 (tests/zygote), the
// real worker, the real queue. Each job has exactly one result, honest ones their own; the worker's
// memory stays where it was, and its chain verifies.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, open_envelope } from './lib/client.mjs';
import { root, sanitized } from './lib/place.mjs';
import { isolane, status_of, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const ENGINE = join(root, 'build/fake-engine');

let w, c;
const heard = new Map(); // id → results that were published
before(async () => {
    w = await up({
        env: { ...process.env, ISOLANE_ENGINE_DIR: ENGINE },
        config: { pool: 4, max_running: 4, limits: { ceilings: { wall_ms: 60_000 } } },
    });
    c = await Client.connect(w.url);
    const sub = c.nc.subscribe('isolane.results.>');
    (async () => {
        for await (const m of sub) {
            const r = open_envelope(m.json());
            heard.set(r.id, [...heard.get(r.id) ?? [], r]);
        }
    })();
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const status = (field) => parseInt(status_of(w.pid, field));
const descriptors = () => readdirSync(`/proc/${w.pid}/fd`).length;
const big = 'x'.repeat(6 << 20);
const KEPT_KB = 48 * 1024;

// [what, script, how it must end, more of the job]
const ENEMIES = [
    ['unknown frames', 'raw ffffffffffffffffffffffffffffffff\nspin', 'crashed'],
    ['READY again and again', 'storm 0 1 0', 'crashed'],
    ['a result of another\'s job', `frame 12 2 01${'00'.repeat(71)}\nspin`, 'crashed'],
    ['output of another\'s job', 'frame 3 2 0161\nspin', 'crashed'],
    ['a length of 4 GB', 'raw ffffffff0c0000000100000000000000\nspin', 'crashed'],
    ['noise', 'flood 300\nspin', 'crashed'],
    ['streams without end, deaf to the answers', 'opens 0', 'crashed'],
    ['data on no stream', 'storm 0 9 1 00', 'crashed'],
    ['an end without a word', 'exit 0', 'crashed'],
    ['a crash', 'print a\nsegv', 'crashed'],
    ['half a result', 'raw 00010000' + '0c000000' + '0100000000000000' + '01\nexit 0', 'crashed'],
    ['a forbidden system call', 'syscall 41', 'denied'],
    ['a lie about one', 'frame 13 1 ffffff7f\nspin', 'denied'],
    ['notes without end', 'storm 0 6 1 0100000061', 'wall_exceeded', { limits: { wall_ms: 300, cpu_ms: 60_000 } }],
    ['output without end', 'storm 0 3 1 0161616161616161', 'output_exceeded', { limits: { output_kb: 64 } }],
    ['a cell that reads nothing and does not stop', 'deaf', 'wall_exceeded', { limits: { wall_ms: 200 }, input: big }],
    ['a process that is stopped', 'stop', 'wall_exceeded', { limits: { wall_ms: 200 } }],
];

async function round(n) {
    const jobs = [];
    for (const [i, [what, script, outcome, more]] of ENEMIES.entries()) {
        jobs.push({ id: `enemy-${n}-${i}`, what, outcome, job: { script, max_attempts: 2, ...more } });
        jobs.push({ id: `honest-${n}-${i}`, what: 'honest', outcome: 'ok', job: { script: `print hello\nsleep 2\nvalue ${n * 1000 + i}` } });
    }
    await Promise.all(jobs.map(({ id, job }) => c.publish({ id, ...job })));
    await until('all results', () => jobs.every(({ id }) => heard.has(id)), { timeout: 60_000 });
    for (const { id, what, outcome } of jobs) {
        const [r] = heard.get(id);
        assert.equal(r.outcome, outcome, `${what}: ${JSON.stringify(r.error)}`);
        if (outcome === 'ok')
            assert.deepEqual([r.value, r.stdout, r.attempts], [Number(id.split('-')[1]) * 1000 + Number(id.split('-')[2]), 'hello\n', 1]);
        if (outcome === 'crashed')
            assert.deepEqual([r.state, r.attempts], ['dead', 2], what);
    }
}

test('every job, hostile or not, ends as it must', async () => {
    await round(0);
});

test('the worker\'s memory and descriptors stay where they were', async () => {
    await round(1); // buffers, caches and threads have their size
    // What malloc keeps of the large inputs, it keeps at one moment and has given back at another.
    const before = { rss: Math.max(status('VmRSS'), KEPT_KB), fds: descriptors() };
    for (let n = 2; n < (sanitized ? 3 : 5); n++)
        await round(n);
    await until('the cells to be gone', async () => await c.jobs_left() === 0);
    await until('descriptors to be where they were', () => descriptors() <= before.fds + 8); // cells of the pool
    const rss = status('VmRSS');
    console.log(`# worker: ${before.rss} kB before, ${rss} kB after ${ENEMIES.length * 3} enemies; peak ${status('VmHWM')} kB`);
    if (!sanitized) // which keeps what was freed
        assert.ok(rss < before.rss + 32 * 1024, `${before.rss} → ${rss} kB`);
});

test('each job has exactly one result', async () => {
    for (const [id, results] of heard)
        assert.equal(results.length, 1, id);
    assert.ok(w.is_up());
});

test('the chain verifies, with a row for each job', async () => {
    const end = await isolane(['verify', '--db', join(w.data, 'results.db'), '--data', w.data, '--json']);
    assert.equal(end.code, 0, end.stderr);
    assert.equal(JSON.parse(end.stdout).checked, heard.size, end.stdout);
});
