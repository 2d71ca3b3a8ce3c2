// Backpressure: whatever is too much, the supervisor's memory stays where it is, and the work goes on. Small numbers here;
// `make pressure` (PRESSURE=all) has 1,000,000 queued jobs and 10,000 pollers. Figures are printed, for docs/operations.md.
import assert from 'node:assert/strict';
import { connect as dial } from 'node:net';
import { test } from 'node:test';
import { assert_chain } from './lib/checks.mjs';
import { Client } from './lib/client.mjs';
import { Proxy } from './lib/proxy.mjs';
import { send_signal, sleep, status_of, until } from './lib/process.mjs';
import { NatsServer, worker } from './lib/worker.mjs';

const ALL = process.env.PRESSURE === 'all';
const QUEUED = ALL ? [1, 100_000, 1_000_000] : [1, 10_000];
const POLLERS = ALL ? 10_000 : 3000, POLLER_LINKS = 20;
const IN_FLIGHT = 2000;
const MIB = 1024;
const GROWTH_KB = 48 * MIB;              // of a supervisor of some 30 MiB, whatever waits outside
const LINK_BOUND_KB = 3 * 64 * MIB;      // LINK_PENDING_MAX; the client library's buffer is copied when it doubles
const RESULT_KB = 8 * MIB;               // of 4 MiB of output, while it waits for its confirmation

const rss_kb = (w) => Number.parseInt(status_of(w.pid, 'VmRSS'), 10);
const peak_kb = (w) => Number.parseInt(status_of(w.pid, 'VmHWM'), 10);
const say = (text) => console.log(`# ${text}`);

async function place(play, { server, config } = {}) {
    const nats = await NatsServer.start(server), c = await Client.connect(nats.url);
    let w = null;
    const begin = async (url = nats.url) => (w = await worker(url, { config }));
    try {
        await play({ nats, c, begin });
    } finally {
        if (w?.is_up()) send_signal(w.pid, 'SIGKILL');
        await w?.ended;
        await c.close();
        await nats.stop();
    }
}

/** Publishes with many on their way; every one is confirmed. */
async function flood(c, count, job) {
    let next = 0;
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, async () => {
        while (next++ < count) await c.publish(job);
    }));
}

test(`${QUEUED.at(-1)} queued jobs: the supervisor holds its prefetch, the rest waits in the stream`, () => place(async ({ c, begin }) => {
    const w = await begin(), job = { script: 'await new Promise((r) => setTimeout(r, 500_000))', limits: { wall_ms: 600_000 } };
    const figures = [];
    let published = 0;
    for (const depth of QUEUED) {
        await flood(c, depth - published, job);
        published = depth;
        await sleep(500);
        assert.equal((await c.jsm.streams.info('ISOLANE_JOBS')).state.messages, depth, 'all of them wait or run');
        figures.push(rss_kb(w));
        say(`supervisor with ${depth} queued: ${figures.at(-1)} kB resident, ${peak_kb(w)} kB at most`);
    }
    assert.ok(figures.at(-1) - figures[0] < GROWTH_KB, figures.join(' '));
}, { config: { nats: { max_queued: 2_000_000, max_queued_mb: 4096 } } }));

test(`${POLLERS} pollers at once: each has an answer, the questions under way are bounded`, () => place(async ({ nats, c, begin }) => {
    const w = await begin();
    await c.execute({ id: 'known', script: 'export default 1' });
    const before = rss_kb(w);
    const links = await Promise.all(Array.from({ length: POLLER_LINKS }, () => Client.connect(nats.url)));
    const answers = await Promise.all(Array.from({ length: POLLERS }, (_, i) =>
        links[i % POLLER_LINKS].ask('isolane.results.get', { id: i % 10 ? `unknown-${i}` : 'known' })));
    const kinds = { result: 0, unknown: 0, busy: 0 };
    for (const a of answers) {
        if (a.payload) kinds.result++;
        else if (a.state === 'unknown') kinds.unknown++;
        else if (/4096/.test(a.error)) kinds.busy++;
        else assert.fail(JSON.stringify(a));
    }
    say(`${POLLERS} pollers: ${JSON.stringify(kinds)}; supervisor ${before} kB before, ${peak_kb(w)} kB at most`);
    assert.equal(kinds.result, POLLERS / 10);
    assert.ok(peak_kb(w) - before < GROWTH_KB);
    for (const l of links) await l.close();
    await w.stop();
    await assert_chain(w.data);
}));

const printer = { script: 'for (;;) console.log("x".repeat(8000))', limits: { output_kb: 4096, cpu_ms: 20_000, wall_ms: 30_000 } };
const PRINTERS = ALL ? 64 : 16;

test('cells that print as fast as they can, and a wire that takes nothing: the supervisor does not grow without bound', () => place(async ({ nats, c, begin }) => {
    const proxy = await Proxy.start(nats.port);
    try {
        const w = await begin(proxy.url);
        for (let i = 0; i < PRINTERS; i++) await c.publish({ id: `print-${i}`, ...printer });
        await sleep(300);
        proxy.swallow();
        await sleep(ALL ? 10_000 : 2000);
        say(`${PRINTERS} printing jobs, wire blocked: supervisor ${peak_kb(w)} kB at most, ${rss_kb(w)} kB then`);
        proxy.mend();
        for (let i = 0; i < PRINTERS; i++) assert.equal((await c.result(`print-${i}`, { timeout: 60_000 })).outcome, 'output_exceeded');
        assert.ok(peak_kb(w) < GROWTH_KB + LINK_BOUND_KB + PRINTERS * RESULT_KB, `${peak_kb(w)} kB`);
        await w.stop();
        await assert_chain(w.data);
    } finally {
        proxy.stop();
    }
}));

test('a NATS client that does not read the logs it asked for is dropped by the server; the worker does not notice', () => place(async ({ nats, c, begin }) => {
    const w = await begin();
    const slow = dial(nats.port, '127.0.0.1');
    let closed = false;
    slow.on('error', () => {}).on('close', () => { closed = true; });
    await new Promise((done) => slow.once('data', done)); // INFO
    slow.write('CONNECT {"verbose":false,"name":"slow"}\r\nSUB isolane.logs.> 1\r\n');
    slow.pause();
    for (let i = 0; i < 16; i++) await c.publish({ id: `print-${i}`, ...printer });
    for (let i = 0; i < 16; i++) assert.equal((await c.result(`print-${i}`, { timeout: 60_000 })).outcome, 'output_exceeded');
    slow.resume();
    await until('its connection to be closed', () => closed);
    say(`a slow reader: supervisor ${peak_kb(w)} kB at most`);
    assert.doesNotMatch(w.stderr, /connection to NATS lost/);
    await w.stop();
}, { server: { conf: 'max_pending: 8MB\nwrite_deadline: "5s"', max_payload: '8MB' } }));

test('a worker past its limit of memory takes no more jobs and says so; another one does', () => place(async ({ nats, c, begin }) => {
    const config = { max_running: 1, nats: { prefetch: 1, heartbeat_s: 1 } };
    const full = await worker(nats.url, { config: { ...config, worker: 'full', shed_at_mb: 1 } });
    await until('it to say so', () => /the worker has \d+ MB of memory in use \(shed_at_mb 1\): no new jobs are taken/.test(full.stderr));
    assert.match((await c.get('nobody')).error, /past its limit of memory \(shed_at_mb\): ask again, or poll by JetStream direct get/);
    for (let i = 0; i < 12; i++) await c.publish({ id: `job-${i}`, script: 'export default 1' });
    await c.result('job-0'); // of the pull that waited
    const other = await begin();
    const by = await Promise.all([...Array(12).keys()].map(async (i) => (await c.result(`job-${i}`)).worker));
    assert.ok(by.filter((name) => name === 'full').length <= 4, by.join(' '));
    await full.stop();
    await other.stop();
}));
