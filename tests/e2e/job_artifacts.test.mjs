// Artifacts of jobs: read and put by scripts, through a real worker and the object store; what is refused, what
// stands in the result, what is left of runs that did not count, and how much memory it takes.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { root, sanitized, scratch } from './lib/place.mjs';
import { isolane, status_of, until } from './lib/process.mjs';
import { NatsServer, impatient, up, worker } from './lib/worker.mjs';

const ENGINE = join(root, 'build/fake-engine');
const slow = { cpu_ms: 60_000, wall_ms: 180_000 };

let nats, w, c;
const config = {
    nats: { ...impatient.nats, artifact_max_mb: 48 }, pool: 2,
    tenants: [{ name: 'default', permissions: { artifacts: true } }, { name: 'reader' }],
};
before(async () => {
    nats = await NatsServer.start();
    w = await worker(nats.url, { config });
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    if (w?.is_up()) await w.stop();
    await nats?.stop();
});

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
let files = 0;
function file(bytes, name = `input-${++files}`) {
    const path = join(scratch, name);
    writeFileSync(path, bytes);
    return path;
}
const cli = (...args) => isolane([...args, '--nats', nats.url]);
async function stored(bytes, { name = `object-${++files}`, tenant = 'default' } = {}) {
    const put = await cli('artifact', 'put', file(bytes), '--name', name, '--tenant', tenant);
    assert.equal(put.code, 0, put.stderr);
    return { object: name, sha256: sha256(bytes), size: bytes.length };
}
async function listed(tenant = 'default') {
    const ls = await cli('artifact', 'ls', '--tenant', tenant, '--json');
    return ls.stdout.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l));
}
const caught = 'const error = async (p) => { try { await p; return "none" } catch (e) { return [e.constructor.name, e.message, e instanceof HostError] } };\n';

test('submit --artifact, a job that reads and puts, result --artifacts', async () => {
    const bytes = randomBytes(1_000_003), to = join(scratch, 'out-1');
    const script = file(`
        const a = await job.artifacts.get('in/data.bin');
        const all = await a.bytes();
        let n = 0; for await (const piece of a) n += piece.length;
        let m = 0; for await (const piece of a.stream()) m += piece.length;
        const put = await job.artifacts.put('copies/data.bin', all, { type: 'application/octet-stream' });
        await job.artifacts.put('text', 'grüße');
        export default { list: await job.artifacts.list(), n, m, size: a.size, sha256: a.sha256, put };`, 'reads.mjs');
    const run = await cli('submit', script, '--id', 'reads', '--artifact', `in/data.bin=${file(bytes)}`, '--wait=30', '--json');
    assert.equal(run.code, 0, run.stderr + run.stdout);
    const r = JSON.parse(run.stdout), hash = sha256(bytes);
    assert.deepEqual(r.value.list, [{ name: 'in/data.bin', size: bytes.length, sha256: hash }]);
    assert.deepEqual([r.value.n, r.value.m, r.value.size, r.value.sha256], [bytes.length, bytes.length, bytes.length, hash]);
    const [copy, text] = r.artifacts;
    assert.deepEqual(r.value.put, copy);
    assert.match(copy.object, /^out\/reads\/[0-9a-f]{16}\/copies\/data\.bin$/);
    assert.deepEqual({ ...copy, object: 0 }, { name: 'copies/data.bin', size: bytes.length, sha256: hash, type: 'application/octet-stream', object: 0 });
    assert.deepEqual([text.name, text.size, text.type, text.sha256], ['text', 7, null, sha256('grüße')]);
    const got = await cli('result', 'reads', '--artifacts', to);
    assert.equal(got.code, 0, got.stderr);
    assert.match(got.stdout, /artifact +copies\/data\.bin, 1000003 bytes, application\/octet-stream, sha256 /);
    assert.equal(sha256(readFileSync(join(to, 'copies/data.bin'))), hash);
    assert.equal(readFileSync(join(to, 'text'), 'utf8'), 'grüße');
    const verified = await isolane(['verify', '--db', join(w.data, 'results.db'), '--key', join(w.data, 'worker.pub')]);
    assert.equal(verified.code, 0, verified.stderr);
    // The same file again: it is there already.
    const before = (await listed()).length;
    assert.equal((await cli('submit', script, '--artifact', `in/data.bin=${file(bytes)}`, '--id', 'reads-2', '--wait=30')).code, 0);
    assert.equal((await listed()).length, before + 2);
});

test('what is not what the job names is an IntegrityError, what is not there NotFound', async () => {
    const good = await stored('hello'), wrong = { ...good, sha256: sha256('other') }, longer = { ...good, size: 4 };
    const r = await c.execute({
        artifacts: { good, wrong, longer, none: { ...good, object: 'nobody-put-this' } },
        script: `${caught}const g = (n) => job.artifacts.get(n);
            export default [await (await g('good')).text(), await error((await g('wrong')).bytes()), await error((await g('wrong')).text()),
                await error((async () => { for await (const p of (await g('wrong')).stream()); })()), await error((await g('longer')).json()),
                await error((await g('none')).bytes()), await error(g('other'))]`,
    });
    const [text, ...errors] = r.value;
    assert.equal(text, 'hello');
    assert.deepEqual(errors.map(([name, , host]) => [name, host]), [...Array(4).fill(['IntegrityError', true]), ['NotFound', true], ['NotFound', true]], JSON.stringify(errors));
    assert.match(errors[0][1], /^artifacts\.wrong: the object 'object-\d+' has the SHA-256 2cf24.*; the job names/);
    assert.match(errors[3][1], /has 5 bytes, not 4/);
    assert.match(errors[4][1], /has no object 'nobody-put-this'/);
    assert.deepEqual(r.artifacts, []);
});

test('who may put what: permission, names, sizes, number', async () => {
    const r = await c.execute({
        limits: { artifacts_mb: 1, ...slow },
        script: `${caught}const put = (...a) => error(job.artifacts.put(...a));
            async function* endless() { for (;;) yield new Uint8Array(100_000) }
            async function* breaks() { yield 'some'; throw new RangeError('of my own') }
            const out = { first: await put('a', 'x'), again: await put('a', 'y'), names: [await put('../a', 'x'), await put('', 'x'), await put(5, 'x')],
                data: [await put('b', 5), await put('b', [5]), await put('b', null), await put('b', 'x', { type: 5 }), await put('b', 'x', { type: 'é' })],
                whole: await put('c', new Uint8Array(1048576)), parts: await put('d', endless()), own: await put('e', breaks()),
                after: await put('c', new Uint8Array(1048575)) };
            let n = 0; for (; n < 100; n++) if (await put('n' + n, '') !== 'none') break;
            export default { ...out, n, last: await put('n100', '') }`,
    });
    const v = r.value, class_of = (x) => x[0];
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    assert.deepEqual([v.first, v.after], ['none', 'none']);
    assert.deepEqual(v.again, ['Conflict', 'artifacts.put: this run has put \'a\' already', true]);
    assert.deepEqual(v.names.map(class_of), Array(3).fill('InvalidArgument'));
    assert.deepEqual(v.data.map(class_of), Array(5).fill('InvalidArgument'));
    assert.match(v.whole[1], /found 1048576 bytes; allowed: 1048575 more \(limits.artifacts_mb is 1\)/);
    assert.deepEqual([v.whole, v.parts, v.last].map(class_of), Array(3).fill('BudgetExceeded'));
    assert.deepEqual(v.own.slice(0, 2), ['RangeError', 'of my own']);
    assert.deepEqual(r.artifacts.slice(0, 3).map((a) => a.name), ['a', 'c', 'n0']);
    assert.equal(r.artifacts.length, v.n + 2);
    const denied = await c.execute({ script: `${caught}export default error(job.artifacts.put('a', 'x'))` }, { tenant: 'reader' });
    assert.deepEqual(denied.value, ['PermissionDenied', 'artifacts.put: the job has no permission to put artifacts (permissions.artifacts)', true]);
    const large = await c.execute({ limits: { artifacts_mb: 100, memory_mb: 512, ...slow }, script: `${caught}export default error(job.artifacts.put('a', new Uint8Array(49e6 + 2e6)))` });
    assert.match(large.value[1], /allowed: at most 50331648 \(nats.artifact_max_mb\)/);
});

test('a job whose artifacts are not well formed is invalid', async () => {
    const r = await c.execute({ script: '1', artifacts: { '.x': { sha256: sha256(''), size: 0 } } });
    assert.deepEqual([r.outcome, r.error.message.includes('artifacts: found the name')], ['invalid', true], r.error.message);
});

test('of runs that did not count nothing stays; of the one that made the result all, whatever its outcome', async () => {
    const before = (await listed()).map((a) => a.name);
    const r = await c.execute({
        id: 'third', max_attempts: 3, backoff: { delay_ms: 0 }, retry_on: ['threw'],
        script: `await job.artifacts.put('out', 'attempt ' + job.attempt);
            job.artifacts.put('unfinished', (async function* () { yield 'x'; await new Promise(() => {}) })());
            throw new Error('no')`,
    });
    assert.deepEqual([r.outcome, r.state, r.attempts], ['threw', 'dead', 3]);
    assert.deepEqual(r.artifacts.map((a) => [a.name, a.sha256]), [['out', sha256('attempt 3')]]);
    await until('what the others put to be gone', async () => {
        const now = (await listed()).map((a) => a.name).filter((n) => !before.includes(n));
        return now.length === 1 && now[0] === r.artifacts[0].object;
    });
});

test('many at once, more than a worker moves at a time', async () => {
    const inputs = {};
    for (let i = 0; i < 40; i++) inputs[`i${i}`] = await stored(`${i}`.repeat(1000 + i), { name: `many-${i}` });
    const jobs = await Promise.all([0, 1, 2].map((n) => c.execute({
        limits: slow, artifacts: inputs,
        script: `const all = await Promise.all((await job.artifacts.list()).map(async ({ name }) => {
                const t = await (await job.artifacts.get(name)).text();
                await job.artifacts.put(name, t);
                return t.length;
            }));
            export default all.length`,
    }, { timeout: 200_000 })));
    for (const r of jobs) {
        assert.equal(r.value, 40, JSON.stringify(r.error));
        assert.deepEqual(r.artifacts.map((a) => a.sha256).sort(), Object.values(inputs).map((a) => a.sha256).sort());
    }
});

test('the worker\'s memory is bounded beside a script that reads and writes slowly', { skip: sanitized }, async () => {
    const bytes = randomBytes(30 << 20), big = await stored(bytes);
    const rss = () => parseInt(status_of(w.pid, 'VmRSS'));
    await c.execute({ artifacts: { big }, limits: slow, script: 'export default (await (await job.artifacts.get("big")).bytes()).length' });
    const before = rss();
    let most = 0;
    const watch = setInterval(() => { most = Math.max(most, rss()); }, 10);
    const r = await c.execute({
        artifacts: { big }, limits: { artifacts_mb: 256, ...slow },
        script: `const reads = [], sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
            const a = await job.artifacts.get('big');
            for (let i = 0; i < 8; i++) reads.push((async () => {
                let n = 0, slow = 0;
                for await (const piece of a) { n += piece.length; if (slow++ < 20) await sleep(20); }
                return n;
            })());
            export default { reads: await Promise.all(reads), put: (await job.artifacts.put('back', a.stream())).sha256 }`,
    }, { timeout: 200_000 });
    clearInterval(watch);
    assert.deepEqual(r.value, { reads: Array(8).fill(bytes.length), put: sha256(bytes) }, JSON.stringify(r.error));
    assert.ok(most - before < 40 << 10, `grew by ${most - before} kB over ${before}`); // 240 MB went through
});

test('a worker that is killed during a put leaves nothing half, and the job runs again to one result', async () => {
    const info = async () => (await c.jsm.streams.info('OBJ_ISOLANE_ARTIFACTS_default')).state.messages;
    const before = await info();
    const slow_until = Date.now() + 5000; // the put that is killed
    await c.publish({
        id: 'killed', limits: slow, max_attempts: 3,
        script: `async function* much() { for (let i = 0; i < 200; i++) { yield new Uint8Array(20_000).fill(i); await new Promise((w) => setTimeout(w, Date.now() < ${slow_until} ? 30 : 0)); } }
            await job.artifacts.put('first', 'whole');
            await job.artifacts.put('long', much());
            export default 'done'`,
    });
    await until('chunks to be stored', async () => await info() > before + 4);
    await w.kill();
    assert.ok((await listed()).every((a) => !/killed.*long/.test(a.name)));
    w = await worker(nats.url, { config, data: w.data });
    const r = await c.result('killed', { timeout: 60_000 });
    assert.deepEqual([r.outcome, r.value], ['ok', 'done']);
    const all = Buffer.concat(Array.from({ length: 200 }, (_, i) => Buffer.alloc(20_000, i)));
    assert.deepEqual(r.artifacts.map((a) => [a.name, a.size, a.sha256]), [['first', 5, sha256('whole')], ['long', all.length, sha256(all)]]);
    const of_job = (await listed()).filter((a) => a.name.startsWith('out/killed/')).map((a) => a.name).sort();
    assert.equal(of_job.filter((n) => n.endsWith('/long')).length, 1);
    assert.ok(r.artifacts.every((a) => of_job.includes(a.object)));
});

test('isolane run: the same without a server', async () => {
    const out = join(scratch, 'local-out'), script = file(`
        const a = await job.artifacts.get('x');
        await job.artifacts.put('sub/copy', a.stream());
        await job.artifacts.put('gone', (async function* () { yield 'x'; throw new Error('mine') })()).catch((e) => console.log(e.message));
        console.log(await a.text())`, 'local.mjs');
    const run = await isolane(['run', script, '--artifact', `x=${file('hello')}`, '--artifacts-out', out]);
    assert.deepEqual([run.code, run.stdout], [0, 'mine\nhello\n'], run.stderr);
    assert.equal(readFileSync(join(out, 'sub/copy'), 'utf8'), 'hello');
    assert.ok(!existsSync(join(out, 'gone')));
    const json = await isolane(['run', script, '--artifact', `x=${file('hello')}`, '--artifacts-out', out, '--json']);
    assert.deepEqual(JSON.parse(json.stdout).artifacts, [{ name: 'sub/copy', size: 5, sha256: sha256('hello'), type: null, object: 'sub/copy' }]);
    const without = await isolane(['run', script, '--artifact', `x=${file('hello')}`]);
    assert.match(without.stderr, /no permission to put artifacts/);
    for (const [args, says] of [[['--artifact', 'x'], /NAME=FILE/], [['--artifact', '../x=y'], /found '\.\.\/x=y'/], [['--artifact', 'x=/nowhere'], /cannot open \/nowhere/],
        [['--artifact', `x=${script}`, '--artifact', `x=${script}`], /'x' twice/], [[script, '--artifacts-out', out], /--artifacts-out: found 2 scripts/]]) {
        const bad = await isolane(['run', script, ...args]);
        assert.deepEqual([bad.code !== 0, says.test(bad.stderr)], [true, true], bad.stderr);
    }
});

// Cells that were taken over: calls and frames by hand (tests/zygote).
test('hostile cells: streams without credit, unknown ones, calls without sense', async () => {
    const e = await up({ env: { ...process.env, ISOLANE_ENGINE_DIR: ENGINE }, config: { ...config, nats: {} } });
    const ec = await Client.connect(e.url);
    const put = 'call artifact.put {"name":"x"}\n', get = 'call artifact.get {"name":"x"}\n';
    const cases = [
        ['data on a stream that is only read', `${get}frame 9 2 00\nspin`, 'crashed'],
        ['data of a stream that never was', `${put}frame 9 4 00\nspin`, 'crashed'],
        ['credit beyond the window', `${put}frame 10 2 01000400\nspin`, 'crashed'],
        ['data behind its own close', `${put}frame 11 2 01000000\nframe 9 2 00\nspin`, 'crashed'],
        ['a second close', `${put}frame 11 2 01000000\nframe 11 2 01000000\nspin`, 'crashed'],
        ['an end in the middle', `${put}frame 9 2 00\nexit 0`, 'crashed'],
        ['nothing is said', `${put}spin`, 'wall_exceeded'],
        ['put_end before the close', `${put}frame 9 2 00\nsleep 1\nvalue 1`, 'ok'],
        ['arguments', ['5', '{', '{"name":5}', '{"name":"a/../b"}', '{"name":"x","size":-1}', '{"name":"x","type":"\\u0001"}', '{"name":"x","size":1e300}']
            .map((a) => ['get', 'put', 'put_end', 'list'].map((n) => `call artifact.${n} ${a}`).join('\n')).join('\n'), 'ok'],
        ['notes', 'note artifact.put {"name":"x"}\nnote artifact.get {"name":"x"}\nnote artifact.put_end {"name":"x"}\nvalue 1', 'ok'],
    ];
    for (const [what, script, outcome] of cases) {
        const r = await ec.execute({ script, artifacts: { x: { sha256: sha256(''), size: 0 } }, max_attempts: 1, limits: { wall_ms: outcome === 'wall_exceeded' ? 300 : 20_000, cpu_ms: 10_000 } });
        assert.equal(r.outcome, outcome, `${what}: ${JSON.stringify(r)}`);
        assert.ok(r.artifacts.every((a) => a.size === 0), what); // those that closed it well have put nothing, whole
    }
    const honest = await ec.execute({ script: 'print hello' });
    assert.equal(honest.stdout, 'hello\n');
    await ec.close();
    await e.stop();
});
