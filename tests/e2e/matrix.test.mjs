// The crash matrix: each process killed at each numbered point of a job's way, the wire to nats-server broken in each way, the
// disk and the database in each bad state, the clock set. Afterwards always the same: every accepted job has exactly one
// result, the chain verifies, and the worker went on by itself or said in one line what a person must do.
//
// Each case has a server, a worker and folders of its own; some run at the same time. `make matrix` (MATRIX=all) runs every
// cell of the table and breaks the wire for a minute; without it a part that covers each row and column.
import assert from 'node:assert/strict';
import { appendFileSync, closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { assert_chain, assert_one_result_each, publish_all } from './lib/checks.mjs';
import { Client } from './lib/client.mjs';
import { fresh_folder, program, root, scratch } from './lib/place.mjs';
import { Proxy } from './lib/proxy.mjs';
import { run, send_signal, sleep, start, status_of, until } from './lib/process.mjs';
import { NatsServer, impatient, worker } from './lib/worker.mjs';

const ALL = process.env.MATRIX === 'all';
const CUT_MS = ALL ? 60_000 : 3_000;
const AT_ONCE = 3;
const POINTS = ['job_received', 'job_decoded', 'job_dispatched', 'job_running', 'result_framed', 'result_signed', 'result_committed',
    'result_published', 'job_acked'];
const VICTIMS = ['worker', 'zygote', 'cell', 'nats-server'];
const recovery = {}; // kind of kill → ms until a job published right after it had its result

const napping = 'console.log("begin"); await new Promise((r) => setTimeout(r, 30)); console.log("done"); export default job.attempt';

/** A server, a client, and workers that go when the case ends. */
async function place(play) {
    const nats = await NatsServer.start(), c = await Client.connect(nats.url), workers = [];
    const begin = async (options = {}, url = nats.url) => {
        const w = await worker(url, { config: impatient, ...options });
        workers.push(w);
        return w;
    };
    try {
        await play({ nats, c, begin });
    } finally {
        for (const w of workers) if (w.is_up()) send_signal(w.pid, 'SIGKILL');
        await c.close();
        await nats.stop();
    }
}

/** Everything is as it must be; the worker ends cleanly. */
async function all_is_well(c, w, ids, check) {
    await assert_one_result_each(c, ids, check);
    await w.stop();
    await assert_chain(w.data);
}

/** At the second job, but a commit may hold the rows of all. */
const nth = (point) => (point === 'result_committed' ? 1 : 2);
const is_stopped = (pid) => /^[Tt]/.test(status_of(pid, 'State') ?? '');
const note = (kind, ms) => { (recovery[kind] ??= []).push(Math.round(ms)); };

// ---- who × where ---------------------------------------------------------------------------------------

async function kill_at(point, victim) {
    await place(async ({ nats, c, begin }) => {
        const data = fresh_folder();
        let w = await begin({ data, env: { ISOLANE_FAULT: `${point}@${nth(point)}${victim === 'worker' ? '' : '=stop'}` } });
        const ids = await publish_all(c, 'm', 4, napping);
        let since;
        if (victim === 'worker') {
            assert.equal((await w.end()).signal, 'SIGKILL', `the point is passed: ${w.stderr}`);
            since = performance.now();
            w = await begin({ data });
        } else {
            await until('the worker to stop at the point', () => is_stopped(w.pid));
            const [zygote] = w.zygotes(), cells = w.cells();
            since = performance.now();
            if (victim === 'zygote') send_signal(zygote, 'SIGKILL');
            else if (victim === 'cell') for (const cell of cells) send_signal(cell, 'SIGKILL');
            else {
                await nats.stop('SIGKILL');
                await nats.restart();
            }
            send_signal(w.pid, 'SIGCONT');
        }
        await until('it to take jobs', () => c.js.publish('isolane.jobs.default.normal', '{"id":"after","script":"export default 1"}',
            { msgID: 'after', timeout: 300 }).catch(() => null));
        await c.result('after');
        note(victim, performance.now() - since);
        await all_is_well(c, w, [...ids, 'after'], (r) => assert.equal(r.outcome, 'ok', JSON.stringify(r.error)));
    });
}

// Every row and column at least once; `worker` alone is killed at all points in crash.test.mjs.
const in_part = (p, v) => v !== 0 && p % (VICTIMS.length - 1) === v - 1;
describe('killed at', { concurrency: AT_ONCE }, () => {
    POINTS.forEach((point, p) => VICTIMS.forEach((victim, v) => {
        if (ALL || in_part(p, v)) test(`${point}: ${victim}`, () => kill_at(point, victim));
    }));
});

// ---- the wire ------------------------------------------------------------------------------------------

async function break_wire(kind, harm, check = () => {}) {
    await place(async ({ nats, c, begin }) => {
        const proxy = await Proxy.start(nats.port);
        try {
            const w = await begin({}, proxy.url);
            const ids = await publish_all(c, 'before', 6, napping);
            harm(proxy);
            ids.push(...await publish_all(c, 'meanwhile', 20, napping));
            await sleep(CUT_MS);
            check(w);
            proxy.mend();
            const since = performance.now();
            await c.publish({ id: 'after', script: 'export default 1' });
            await c.result('after', { timeout: 60_000 });
            note(kind, performance.now() - since);
            await all_is_well(c, w, [...ids, 'after'], (r) => assert.deepEqual([r.outcome, r.attempts], ['ok', 1]));
        } finally {
            proxy.stop();
        }
    });
}

describe('the connection to nats-server', { concurrency: AT_ONCE }, () => {
    test(`cut for ${CUT_MS / 1000} s`, () => break_wire('wire cut', (p) => p.cut(), (w) => assert.match(w.stderr, /connection to NATS lost/)));
    test(`swallows everything for ${CUT_MS / 1000} s`, () => break_wire('wire that swallows', (p) => p.swallow()));
    test('slow: 150 ms each way', () => break_wire('slow wire', (p) => p.slow(150)));
});

// ---- disk and database ---------------------------------------------------------------------------------

/** A worker whose data folder is a small file system of its own; skips where there is none to be had. */
async function with_small_disk(t, play) {
    await place(async ({ nats, c }) => {
        const data = fresh_folder();
        mkdirSync(data);
        const w = start('unshare', [process.getuid() ? '-rm' : '-m', 'sh', '-c',
            'mount -t tmpfs -o size=48m tmpfs "$1" && exec "$2" worker --data "$1" --nats "$3"', '-', data, program, nats.url]);
        let ended = false;
        w.ended.then(() => { ended = true; });
        await until('the worker to be ready', () => ended || w.text.stdout.includes('isolane is up'));
        if (ended && /unshare|mount/.test(w.text.stderr)) {
            t.skip(`no file system of its own to be had: ${w.text.stderr.trim()}`);
            return;
        }
        await play(c, w, `/proc/${w.pid}/root${data}`);
        send_signal(w.pid, 'SIGTERM');
        assert.equal((await w.ended).code, 0, w.text.stderr);
    });
}

/** Jobs while results cannot be written, or only as many as the WAL has room for: none is lost, and it says so, once. */
async function while_not_writable(c, w, harm, mend, says, { jobs = 30, fit = 0 } = {}) {
    await c.execute({ id: 'before', script: 'export default 1' });
    await harm();
    const ids = await publish_all(c, 'stuck', jobs, 'export default "x".repeat(20000)');
    await until('the worker to say so', () => says.test(w.text.stderr));
    const left = await c.jobs_left();
    assert.ok(left <= jobs && left >= jobs - fit, `${left} jobs left`);
    await mend();
    const since = performance.now();
    await assert_one_result_each(c, ids, (r) => assert.equal(r.value?.length, 20000));
    note('disk', performance.now() - since);
    assert.match(w.text.stderr, /results can be written again/);
}

describe('disk and database', { concurrency: AT_ONCE }, () => {
    // Each commit takes a quarter of a second: rows share it, nothing is acked before it, nothing runs out of time.
    test('the disk is slow', () => place(async ({ c, begin }) => {
        const w = await begin({ env: { ISOLANE_FAULT: 'result_storing=slow' } });
        const begun = performance.now(), ids = await publish_all(c, 'slow', 60, napping);
        await assert_one_result_each(c, ids);
        const took = performance.now() - begun;
        assert.ok(took >= 250 && took < 60 * 250, `${took} ms: commits are shared`);
        await all_is_well(c, w, ids);
    }));

    test('the disk is full, then has room', (t) => with_small_disk(t, async (c, w, folder) => {
        const filler = join(folder, 'filler');
        await while_not_writable(c, w, () => assert.throws(() => { for (;;) appendFileSync(filler, Buffer.alloc(4096)); }, { code: 'ENOSPC' }),
            () => rmSync(filler), /results cannot be written.*disk/, { jobs: 300, fit: 250 }); // 9 MB, 40 kB each
    }));

    test('another process holds the database\'s lock', () => place(async ({ c, begin }) => {
        const w = await begin(), other = new DatabaseSync(join(w.data, 'results.db'));
        await while_not_writable(c, { text: { get stderr() { return w.stderr; } } }, () => other.exec('begin immediate'), () => other.exec('rollback'),
            /results cannot be written.*(busy|locked|another process)/);
        other.close();
        await w.stop();
        await assert_chain(w.data);
    }));

    test('the last page of a killed worker\'s WAL is corrupt: what it held is found by redelivery, or in the results stream', () => place(async ({ c, begin }) => {
        const data = fresh_folder();
        let w = await begin({ data });
        for (let i = 0; i < 5; i++) await c.execute({ id: `old-${i}`, script: 'export default 1' });
        await w.kill();
        const wal = join(data, 'results.db-wal');
        assert.ok(existsSync(wal));
        const file = openSync(wal, 'r+'), end = last_frame(file);
        writeSync(file, Buffer.from([0xff, 0x00, 0xff, 0x55]), 0, 4, end - 100); // inside the last frame's page
        closeSync(file);
        w = await begin({ data });
        const ids = await publish_all(c, 'new', 5, napping);
        await all_is_well(c, w, [...Array.from({ length: 5 }, (_, i) => `old-${i}`), ...ids]);
    }));

    test('the database\'s header is corrupt: the worker says in one line what is wrong', () => place(async ({ nats, c, begin }) => {
        const data = fresh_folder();
        let w = await begin({ data });
        await c.execute({ id: 'one', script: 'export default 1' });
        await w.stop();
        for (const end of ['-wal', '-shm']) rmSync(join(data, `results.db${end}`), { force: true }); // it has a good copy of the page
        const file = openSync(join(data, 'results.db'), 'r+');
        writeSync(file, Buffer.alloc(64, 0x5a), 0, 64, 24); // the header behind its magic
        closeSync(file);
        const end = await start(program, ['worker', '--data', data, '--nats', nats.url]).ended;
        assert.equal(end.code, 3, end.stderr);
        assert.match(end.stderr, /^isolane: [^\n]*results\.db[^\n]*\n$/);
        rmSync(join(data, 'results.db')); // what the line asks for: it goes on with a new one
        w = await begin({ data });
        await c.execute({ id: 'two', script: 'export default 1' });
        await w.stop();
    }));

    // A file system with files open for writing cannot be made read-only (EBUSY), but by the kernel after an I/O error: then
    // writes fail, as on a full disk.
    test('the disk is read-only at the start: one line says so', (t) => place(async ({ nats }) => {
        const data = fresh_folder();
        mkdirSync(data);
        const end = await start('unshare', [process.getuid() ? '-rm' : '-m', 'sh', '-c',
            'mount -t tmpfs -o ro,size=1m tmpfs "$1" && exec "$2" worker --data "$1" --nats "$3"', '-', data, program, nats.url]).ended;
        if (/unshare|mount/.test(end.stderr)) {
            t.skip(`no file system of its own to be had: ${end.stderr.trim()}`);
            return;
        }
        assert.equal(end.code, 3, end.stderr);
        assert.match(end.stderr, /^isolane: [^\n]*Read-only file system[^\n]*\n$/);
    }));
});

/** Where the valid frames of a WAL file end (SQLite's file format, 4.1: 32 bytes of header, then frames of 24 + page, with the header's salts). */
function last_frame(file) {
    const header = Buffer.alloc(32), frame = Buffer.alloc(24);
    readSync(file, header, 0, 32, 0);
    const size = 24 + header.readUInt32BE(8), length = fstatSync(file).size;
    let at = 32;
    for (; at + size <= length; at += size) {
        readSync(file, frame, 0, 24, at);
        if (!frame.subarray(8, 16).equals(header.subarray(16, 24))) break;
    }
    assert.ok(at > 32, 'the WAL holds frames');
    return at;
}

// ---- the clock -----------------------------------------------------------------------------------------

describe('the clock', () => {
    for (const [what, seconds] of [['forward by a year', 365 * 86400], ['back by a year', -365 * 86400]])
        test(`is set ${what} while jobs run, and the worker is killed`, () => place(async ({ c, begin }) => {
            const data = fresh_folder(), at = join(scratch, `shift-${seconds}`), library = join(scratch, `clockshift-${seconds}.so`);
            const cc = await run('cc', ['-shared', '-fPIC', '-o', library, join(root, 'tests/e2e/lib/clockshift.c'), '-ldl']);
            assert.equal(cc.code, 0, cc.stderr);
            const set = (n) => {
                const file = openSync(at, 'r+');
                writeSync(file, new BigInt64Array([BigInt(n)]));
                closeSync(file);
            };
            writeFileSync(at, new BigInt64Array([0n]));
            const options = { data, env: { LD_PRELOAD: library, CLOCKSHIFT: at } };
            let w = await begin(options);
            const ids = await publish_all(c, 'before', 3, napping);
            await until('one to run', async () => (await c.get(ids[0])).state !== 'queued');
            set(seconds);
            ids.push(...await publish_all(c, 'shifted', 6, napping));
            const r = await c.result('shifted-5');
            const off_s = (Date.parse(r.finished_at) - Date.now()) / 1000 - seconds;
            assert.ok(Math.abs(off_s) < 3600, `the worker sees the other clock: ${r.finished_at}`);
            await w.kill();
            set(0);
            w = await begin(options);
            ids.push(...await publish_all(c, 'again', 3, napping));
            await all_is_well(c, w, ids, (result) => assert.deepEqual([result.outcome, result.attempts], ['ok', 1]));
        }));
});

process.on('exit', () => {
    const shown = Object.entries(recovery).map(([kind, ms]) => `${kind} ${Math.min(...ms)} to ${Math.max(...ms)}`);
    console.log(`# ms from the harm (a broken wire: from its mending) until a job published then had its result: ${shown.join('; ')}`);
});
