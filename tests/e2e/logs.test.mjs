// Watching a job's output: by anybody's client as docs/protocol.md says, and by `isolane logs -f`.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { program } from './lib/place.mjs';
import { isolane, start, until } from './lib/process.mjs';
import { NatsServer, up, worker } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up();
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const slow = { cpu_ms: 20_000, wall_ms: 60_000 };
// Prints more than fits into one answer, in characters of 1 to 4 bytes, and then a little more, slowly; waits for go at the end.
const talks = (rounds = 12) => `
    console.log('aé€😀'.repeat(30_000));
    for (let i = 0; i < ${rounds}; i++) { console.log('€'.repeat(i * 997), i); console.error('warning', i); await new Promise((r) => setTimeout(r, 60)); }`;

/** docs/protocol.md, "Following": nothing but a NATS client. drop: chunks that are lost on the way. */
async function follow(client, id, { drop = () => false } = {}) {
    const f = { text: { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }, attempt: 0, asked: 0, chunks: 0, lost: 0 };
    let missing = false, asking = null;
    const take = (attempt, stream, offset, data) => {
        if (attempt < f.attempt) return;
        if (attempt > f.attempt) {
            f.attempt = attempt;
            f.text = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
        }
        const bytes = Buffer.from(data), shown = f.text[stream].length;
        if (offset > shown) missing = true;
        else if (offset + bytes.length > shown) f.text[stream] = Buffer.concat([f.text[stream], bytes.subarray(shown - offset)]);
    };
    const ask = () => {
        asking ??= (async () => {
            do {
                missing = false;
                f.asked++;
                const from = { stdout: f.text.stdout.length, stderr: f.text.stderr.length };
                const a = await client.get(id, { output: true, from });
                if (a.stdout === undefined) break; // not running: the result has everything
                for (const stream of ['stdout', 'stderr']) take(a.attempt, stream, a.from[stream], a[stream]);
                missing ||= a.more;
            } while (missing);
        })().finally(() => { asking = null; });
        return asking;
    };
    const sub = client.nc.subscribe(`isolane.logs.default.${id}`, {
        callback: (_, m) => {
            const { attempt, stream, offset, data } = m.json();
            assert.ok(Buffer.byteLength(data) <= 16384);
            if (drop(f.chunks++)) { f.lost++; return; }
            take(attempt, stream, offset, data);
            if (missing) ask();
        },
    });
    await client.nc.flush();
    await ask();
    f.close = () => { sub.unsubscribe(); return asking; };
    return f;
}

test('any client: one that comes late and loses chunks has, before the end, what the result has', async () => {
    const id = 'any-client';
    await c.publish({ id, script: talks() + 'for (;;) { console.log("tick"); await new Promise((r) => setTimeout(r, 50)); }', limits: { ...slow, output_kb: 4096 } });
    await until('it to have printed more than an answer takes', async () => (await c.get(id, { output: true })).more);
    const f = await follow(c, id, { drop: (n) => n % 3 === 1 });
    assert.ok(f.asked > 1, 'what it had printed came in several answers');
    await until('the last lines', () => f.text.stdout.includes(' 11\ntick\n') && f.text.stderr.includes('warning 11\n'));
    await f.close();
    assert.ok(f.lost > 0, 'some were lost');
    await c.cancel(id);
    const r = await c.result(id);
    const kept = Buffer.from(r.stdout);
    assert.equal(f.text.stdout.compare(kept.subarray(0, f.text.stdout.length)), 0, 'a prefix of what is kept, byte for byte');
    assert.equal(kept.subarray(f.text.stdout.length).toString().replace(/tick\n/g, ''), '', 'and the rest of it came later');
    assert.equal(f.text.stderr.toString(), r.stderr);
});

test('isolane logs -f: late, from an offset, byte for byte what the result has', async () => {
    const id = 'late';
    await c.publish({ id, script: talks(40), limits: { ...slow, output_kb: 4096 } });
    await until('it to print', async () => (await c.get(id, { output: true })).stdout?.length > 0);
    const whole = start(program, ['logs', id, '-f', '--data', w.data]);
    const rest = start(program, ['logs', id, '-f', '--data', w.data, '--from-offset', '100001', '--from-stderr', '10']);
    const [a, b] = await Promise.all([whole.ended, rest.ended]);
    const r = await c.result(id);
    assert.deepEqual([a.code, a.stdout === r.stdout, a.stderr], [0, true, r.stderr]);
    assert.deepEqual([b.code, b.stderr], [0, r.stderr.slice(10)]);
    assert.equal(b.stdout, Buffer.from(r.stdout).subarray(100001).toString());
    const done = await isolane(['logs', id, '--data', w.data, '--from-offset', String(Buffer.byteLength(r.stdout) - 3), '--from-stderr', '0']);
    assert.deepEqual([done.code, done.stdout, done.stderr], [0, '39\n', r.stderr]);
});

test('isolane logs -f: of a job that waits, through its attempts, with its progress', async () => {
    const id = 'again';
    const script = `console.log('attempt', job.attempt, 'é'.repeat(100)); job.progress(job.attempt / 2, 'now');
        await new Promise((r) => setTimeout(r, 100)); if (job.attempt < 2) throw new Error('no'); console.log('end');`;
    const p = start(program, ['logs', id, '-f', '--progress', '--json', '--data', w.data]);
    await c.publish({ id, script, not_before: Date.now() + 3000, max_attempts: 2, retry_on: ['threw'], backoff: { type: 'fixed', delay_ms: 50 }, limits: slow });
    const end = await p.ended;
    const lines = end.stdout.trim().split('\n').map((l) => JSON.parse(l));
    const text = (n) => lines.filter((l) => l.attempt === n && l.stream === 'stdout').map((l) => l.data).join('');
    assert.equal(end.code, 0, end.stderr);
    assert.equal(text(1), `attempt 1 ${'é'.repeat(100)}\n`);
    assert.equal(text(2), (await c.result(id)).stdout);
    assert.deepEqual(lines.filter((l) => l.progress).map((l) => [l.progress.fraction, l.progress.text]), [[0.5, 'now'], [1, 'now']]);
    assert.match(end.stderr, /attempt 2 of job again begins/);
});

test('isolane logs -f: the server goes away and comes back', async () => {
    const nats = await NatsServer.start();
    const other = await worker(nats.url, { config: { nats: { ack_wait_ms: 60_000 } } });
    const cc = await Client.connect(nats.url);
    await cc.publish({ id: 'cut', script: talks(40), limits: { ...slow, output_kb: 4096 } });
    const p = start(program, ['logs', 'cut', '-f', '--nats', nats.url]);
    await until('the first lines', () => p.text.stderr.includes('warning 3'));
    await nats.stop('SIGKILL');
    await nats.restart();
    const end = await p.ended;
    const r = await cc.result('cut');
    assert.deepEqual([end.code, end.stdout === r.stdout, end.stderr], [0, true, r.stderr]);
    await cc.close();
    await other.stop();
    await nats.stop();
});

test('a question that is wrong is told what', async () => {
    for (const [from, says] of [[3, /from: found number; allowed: an object/], [{ stdout: -1 }, /from\.stdout: .*whole number from 0/], [{ stderr: 'x' }, /from\.stderr: found string/]])
        assert.match((await c.get('x', { output: true, from })).error, says);
});
