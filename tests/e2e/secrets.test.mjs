// Secrets: sealed by publisher or operator, opened for the job that may have them, masked in all it says, and nowhere on
// disk or on the wire in plain.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, open_envelope } from './lib/client.mjs';
import { fresh_folder, program, sanitized, scratch } from './lib/place.mjs';
import { isolane, run, start, until } from './lib/process.mjs';
import { NatsServer, up, worker } from './lib/worker.mjs';

const SECRET = 'tok/9f8e7d "6c5b4a+ä';
const OPERATORS = 'operators-own-secret-77';
const file = (name, text) => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
};

/** `isolane secret seal` → one sealed text a line. */
async function seal(name, value, args, data = w.data) {
    const end = await isolane(['secret', 'seal', name, '--data', data, ...args], { input: value });
    assert.equal(end.code, 0, end.stderr);
    return end.stdout.trim().split('\n');
}

let w, c;
before(async () => {
    // A first start makes the sealing key; the operator seals to it and starts again.
    const data = fresh_folder();
    const first = await up({ data });
    await first.stop();
    const [sealed] = await seal('OPS', OPERATORS, ['--tenant', 'ci'], data);
    w = await up({ data, config: { tenants: [
        { name: 'ci', permissions: { secrets: ['TOKEN', 'OPS', 'ABSENT'] }, secrets: { OPS: sealed } },
        { name: 'other', permissions: { secrets: ['TOKEN'] } },
        { name: 'default' },
    ], log_level: 'debug' } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const execute = (job, tenant = 'ci') => c.execute(job, { tenant });
const length_of = 'export default (await secrets.get("TOKEN")).length';

test('a job carries a sealed secret; the script gets it, the result does not', async () => {
    const [TOKEN] = await seal('TOKEN', `${SECRET}\n`, ['--tenant', 'ci']);
    assert.match(TOKEN, /^sealed:v1:[0-9a-f]{64}:[\w-]+$/);
    const r = await execute({ secrets: { TOKEN }, script: `
        const s = await secrets.get('TOKEN');
        console.log('out', s, [s], JSON.stringify(s), encodeURIComponent(s));
        console.error('err', s);
        job.progress(0.5, s);
        const hex = (t) => [...new TextEncoder().encode(t)].map((b) => b.toString(16).padStart(2, '0')).join('');
        export default { s, [s]: hex(s), ok: s === ${JSON.stringify(SECRET)}, names: secrets.names, same: Object.isFrozen(secrets.names) };` });
    assert.equal(r.outcome, 'ok', r.error?.message);
    assert.deepEqual(r.value, { s: '***', '***': '***', ok: true, names: ['TOKEN'], same: true });
    assert.equal(r.stdout, 'out *** [ \'***\' ] "***" ***\n');
    assert.equal(r.stderr, 'err ***\n');
    assert.equal(r.truncated, false);
    assert.deepEqual(r.permissions, ['secrets:TOKEN']);
});

test('errors are masked: name, message, stack', async () => {
    const [TOKEN] = await seal('TOKEN', SECRET, ['--tenant', 'ci']);
    const r = await execute({ secrets: { TOKEN }, script: 'const s = await secrets.get("TOKEN"); const e = new TypeError("no " + s); e.name = "X" + s; e.more = { s }; throw e' });
    assert.equal(r.outcome, 'threw');
    assert.deepEqual([r.error.name, r.error.message], ['X***', 'no ***']);
    assert.match(r.error.stack, /\*\*\*/);
    assert.ok(!JSON.stringify(r).includes('9f8e7d'), JSON.stringify(r));
});

test('the operator\'s secret: for the job that names it, and no other', async () => {
    const script = 'export default [secrets.names, await secrets.get("OPS").then((s) => s.length, (e) => e.name)]';
    assert.deepEqual((await execute({ script, permissions: { secrets: ['OPS'] } })).value, [['OPS'], OPERATORS.length]);
    assert.deepEqual((await execute({ script })).value, [[], 'PermissionDenied']);
    const over = await execute({ script, permissions: { secrets: ['OPS'] } }, 'other');
    assert.equal(over.outcome, 'invalid');
    assert.match(over.error.message, /^permissions\.secrets\[0\]: found "OPS"; allowed: TOKEN \(permission of tenant 'other'\)/);
});

test('named errors reach the script', async () => {
    const r = await execute({ script: `
        const ask = async (...a) => { try { await secrets.get(...a) } catch (e) { return [e.name, e instanceof globalThis[e.name], e instanceof HostError, e instanceof Error, e.message] } };
        export default [await ask('TOKEN'), await ask('no name'), await ask()];` });
    assert.deepEqual(r.value.map((e) => e.slice(0, 4)), [['PermissionDenied', true, true, true], ['InvalidArgument', true, true, true], ['InvalidArgument', true, true, true]]);
    assert.match(r.value[0][4], /^secrets\.get: found 'TOKEN', which is not among the job's secrets/);
    const uncaught = await execute({ script: 'await secrets.get("TOKEN")' });
    assert.deepEqual([uncaught.outcome, uncaught.error.name], ['threw', 'PermissionDenied']);
});

test('what a script replaces in the language does not reach the built-ins', async () => {
    const [TOKEN] = await seal('TOKEN', SECRET, ['--tenant', 'ci']);
    const r = await execute({ secrets: { TOKEN }, script: `
        const names = Object.getOwnPropertyDescriptor(secrets, 'names').get, { then } = Promise.prototype;
        const seen = [];
        for (const [o, k] of [[JSON, 'parse'], [JSON, 'stringify'], [Object, 'freeze'], [Map.prototype, 'get'], [Map.prototype, 'set'], [Array.prototype, 'push'], [globalThis, 'Promise']]) {
            const real = o[k];
            o[k] = function (...a) { seen.push === Array.prototype.push || (seen[seen.length] = k); return Reflect.apply(real, this, a) };
        }
        Object.defineProperty(Object.prototype, 'name', { set() { seen[seen.length] = 'name' }, get() { return 'x' }, configurable: true });
        const value = await secrets.get('TOKEN');
        delete Object.prototype.name;
        export default [names.call(undefined).length, value === ${JSON.stringify(SECRET)}, seen.length];` });
    assert.deepEqual(r.value, [1, true, 0], r.error?.stack);
});

test('a sealed text is good for its tenant, name and script alone', async () => {
    const path = file('bound.mjs', length_of);
    const [TOKEN] = await seal('TOKEN', SECRET, ['--tenant', 'ci']), [bound] = await seal('TOKEN', SECRET, ['--tenant', 'ci', '--script', path]);
    const [named] = await seal('OPS', SECRET, ['--tenant', 'ci']);
    const script = length_of;
    for (const [what, job, tenant, pattern] of [
        ['another tenant', { script, secrets: { TOKEN } }, 'other', /^secrets\.TOKEN: it was sealed for another tenant$/],
        ['another name', { script, secrets: { TOKEN: named } }, 'ci', /^secrets\.TOKEN: it was sealed under another name$/],
        ['another script', { script: `${script} `, secrets: { TOKEN: bound } }, 'ci', /^secrets\.TOKEN: it was sealed for another script$/],
        ['altered', { script, secrets: { TOKEN: TOKEN.slice(0, -2) + (TOKEN.endsWith('AA') ? 'BA' : 'AA') } }, 'ci', /^secrets\.TOKEN: the sealed text (was altered|is damaged)/],
        ['of another key', { script, secrets: { TOKEN: TOKEN.replace(/:[0-9a-f]{64}:/, `:${'0'.repeat(64)}:`) } }, 'ci', /^secrets\.TOKEN: it is sealed to key 0000000000000000…, this worker's is/],
        ['nowhere', { script, permissions: { secrets: ['ABSENT'] } }, 'ci', /^secrets\.ABSENT: found nowhere: the job does not carry it/],
        ['not sealed', { script, secrets: { TOKEN: SECRET } }, 'ci', /^secrets\.TOKEN: found a text that is not sealed; allowed/],
        ['not permitted', { script, secrets: { TOKEN } }, 'default', /^secrets: found 'TOKEN'; allowed: none \(permissions\.secrets of tenant 'default'\)/],
    ]) {
        const r = await execute(job, tenant);
        assert.deepEqual([r.outcome, r.error.name, r.attempts, r.value], ['invalid', 'InvalidJob', 0, null], what);
        assert.match(r.error.message, pattern, what);
        assert.ok(!r.error.message.includes('9f8e7d'), what);
    }
    assert.equal((await execute({ script, secrets: { TOKEN: bound } })).value, SECRET.length);
});

test('live output: a secret that is cut over many writes does not come out, what only looks like one does', async () => {
    const [TOKEN] = await seal('TOKEN', SECRET, ['--tenant', 'ci']);
    const id = 'live-1';
    let text = '';
    const sub = c.nc.subscribe(`isolane.logs.ci.${id}`, { callback: (_e, m) => { text += m.json().data; } });
    const progress = [];
    const told = c.nc.subscribe(`isolane.progress.ci.${id}`, { callback: (_e, m) => { progress.push(m.json().text); } });
    await c.nc.flush();
    const r = await execute({ id, secrets: { TOKEN }, limits: { output_kb: 1024 }, script: `
        const s = await secrets.get('TOKEN'), wait = (ms) => new Promise((f) => setTimeout(f, ms));
        const nl = (t) => console.log(t);
        job.progress(0.1, 'have ' + s);
        await wait(1500);
        for (let i = 0; i < 20; i++) { nl(s.slice(0, 8)); nl('x'.repeat(16000) + s + 'y'.repeat(100)); await wait(10); }
        job.progress(1, s + s);
        nl(s.slice(0, 10));` });
    assert.equal(r.outcome, 'ok', r.error?.message);
    const wanted = `${SECRET.slice(0, 8)}\n${'x'.repeat(16000)}***${'y'.repeat(100)}\n`.repeat(20) + `${SECRET.slice(0, 10)}\n`;
    assert.ok(r.stdout === wanted, r.stdout.slice(-300));
    assert.equal(r.truncated, false);
    await until('the live output', () => text.length >= wanted.length);
    assert.ok(text === wanted, text.slice(-300));
    await until('progress', () => progress.length > 1);
    assert.deepEqual([...new Set(progress)], ['have ***', '***']);
    sub.unsubscribe();
    told.unsubscribe();
});

test('a secret of 64 kB, one of 5 bytes, and too much of them', async () => {
    const long = 'L0ng-'.repeat(13107) + 'x';
    assert.equal(long.length, 65536);
    const [TOKEN] = await seal('TOKEN', long, ['--tenant', 'ci']), [OPS] = await seal('OPS', 'second', ['--tenant', 'ci']);
    const r = await execute({ secrets: { TOKEN }, script: 'const s = await secrets.get("TOKEN"); console.log(s); export default [s.length, s.slice(-6), s]', limits: { cpu_ms: 5000 } });
    assert.deepEqual([r.value, r.stdout], [[65536, 'L0ng-x', '***'], '***\n'], r.error?.message);
    const over = await execute({ secrets: { TOKEN, OPS }, script: '1' });
    assert.match(over.error.message, /^secrets: found 65542 bytes in all; allowed: at most 65536/);
    const short = await isolane(['secret', 'seal', 'TOKEN', '--data', w.data], { input: '12345\n' });
    assert.deepEqual([short.code, short.stdout], [2, '']);
    assert.match(short.stderr, /found a value of 5 bytes; allowed: 6 to 65536/);
});

test('`isolane submit --secret`: sealed in a file, or the operator\'s', async () => {
    const path = file('token.sealed', `${(await seal('TOKEN', SECRET, ['--tenant', 'ci'])).join('\n')}\n`);
    const script = 'export default [secrets.names, (await secrets.get("TOKEN")).length, (await secrets.get("OPS")).length]';
    const end = await isolane(['submit', '-', '--nats', w.url, '--tenant', 'ci', '--secret', `TOKEN=@${path}`, '--secret', 'OPS', '--wait=20', '--json'], { input: script });
    assert.equal(end.code, 0, end.stderr);
    assert.deepEqual(JSON.parse(end.stdout).value, [['OPS', 'TOKEN'], SECRET.length, OPERATORS.length]);
    for (const bad of ['9=@x', 'TOKEN=plain', `TOKEN=@${join(scratch, 'nowhere')}`, `TOKEN=@${file('plain', SECRET)}`]) {
        const refused = await isolane(['submit', '-', '--nats', w.url, '--secret', bad], { input: '1' });
        assert.deepEqual([refused.code, refused.stdout], [2, ''], bad);
        assert.match(refused.stderr, /--secret: /);
        assert.ok(!refused.stderr.includes('plain') || bad.includes('@'), refused.stderr);
    }
});

test('`isolane run --secret`: from a file or a variable, masked as well', async () => {
    const args = (secret) => ['run', '-', '--data', fresh_folder(), '--secret', secret];
    const input = 'const s = await secrets.get("T"); console.log(s, s.length); console.error(secrets.names)';
    const end = await isolane(args(`T=@${file('t', `${SECRET}\n`)}`), { input });
    assert.deepEqual([end.code, end.stdout, end.stderr], [0, `*** ${SECRET.length}\n`, '[ \'T\' ]\n']);
    const variable = await isolane(args('T=env:MY_TOKEN'), { input, env: { MY_TOKEN: 'from-the-environment' } });
    assert.equal(variable.stdout, '*** 20\n');
    for (const [bad, pattern] of [['T=env:UNSET', /no variable UNSET/], ['T=plain', /NAME=@FILE or NAME=env:VARIABLE/], ['T=@/nowhere', /nowhere/], ['9=@x', /found '9/]]) {
        const refused = await isolane(args(bad), { input });
        assert.deepEqual([refused.code, refused.stdout], [2, ''], bad);
        assert.match(refused.stderr, /--secret: /, bad);
        assert.match(refused.stderr, pattern, bad);
    }
});

test('several workers: a sealed text for each key', async () => {
    const server = await NatsServer.start();
    const config = (name) => ({ worker: name, max_running: 1, nats: { prefetch: 1 }, tenants: [{ name: 'ci', permissions: { secrets: ['TOKEN'] } }] });
    const two = [await worker(server.url, { config: config('one') }), await worker(server.url, { config: config('two') })];
    const client = await Client.connect(server.url);
    try {
        const keys = [];
        for (const [i, one] of two.entries()) {
            const { stdout } = await isolane(['secret', 'key', '--data', one.data]);
            assert.match(stdout, /^-----BEGIN PUBLIC KEY-----\n/);
            assert.equal(stdout, (await isolane(['keys', 'export', '--seal', '--data', one.data])).stdout);
            keys.push('--to', file(`seal-${i}.pub`, stdout));
        }
        const TOKEN = await seal('TOKEN', SECRET, ['--tenant', 'ci', ...keys], fresh_folder());
        assert.equal(TOKEN.length, 2);
        const job = { script: length_of, secrets: { TOKEN } }, seen = new Set();
        await until('both workers to have run one', async () => {
            const results = await Promise.all(Array.from({ length: 8 }, () => client.execute(job, { tenant: 'ci' })));
            for (const r of results) {
                assert.equal(r.value, SECRET.length, r.error?.message);
                seen.add(r.worker);
            }
            return seen.size === 2;
        });
    } finally {
        await client.close();
        for (const one of two) await one.stop();
        await server.stop();
    }
});

test('the worker dumps no core, a debugger of its user cannot read it, its key is private', { skip: sanitized && 'the leak checker is a debugger' }, () => {
    assert.equal(statSync(join(w.data, 'seal.key')).mode & 0o7777, 0o600);
    assert.match(readFileSync(`/proc/${w.pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m);
});

test('as an ordinary user: the jail is whole, and another process of that user cannot look into the worker', async (t) => {
    if (process.getuid() !== 0) return t.skip('this test changes to another user, which root alone may');
    const folder = mkdtempSync('/tmp/isolane-ordinary-'), as = (...args) => ['--reuid=65534', '--regid=65534', '--clear-groups', ...args];
    chmodSync(folder, 0o777);
    try {
        if ((await run('setpriv', as('test', '-x', program))).code !== 0) return t.skip('another user cannot reach the program here');
        const p = start('setpriv', as(program, 'up', '--data', join(folder, 'data')), { env: { HOME: folder } });
        await until('the worker to be ready', () => /isolane is up/.test(p.text.stdout) || p.child.exitCode !== null);
        assert.match(p.text.stdout, /isolane is up/, p.text.stderr);
        const look = await run('setpriv', as('cat', `/proc/${p.pid}/environ`));
        if (!sanitized) {
            assert.notEqual(look.code, 0);
            assert.match(look.stderr, /Permission denied/);
        }
        p.child.kill('SIGTERM');
        assert.equal((await p.ended).code, 0, p.text.stderr);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});

/** Every file of the data folder: results, their WAL, keys, logs, the streams of the embedded server. */
function files_of(dir) {
    return readdirSync(dir, { withFileTypes: true }).flatMap((e) => e.isDirectory() ? files_of(join(dir, e.name)) : [join(dir, e.name)]);
}

test('in plain it is nowhere: results, database, WAL, streams, logs', async () => {
    const [TOKEN] = await seal('TOKEN', SECRET, ['--tenant', 'ci']);
    await execute({ id: 'plain-1', secrets: { TOKEN }, script: 'const s = await secrets.get("TOKEN"); console.log(s); export default s' });
    const forms = [SECRET, JSON.stringify(SECRET).slice(1, -1), Buffer.from(SECRET).toString('base64').slice(0, 16), Buffer.from(SECRET).toString('hex'), OPERATORS];
    const paths = files_of(w.data);
    assert.ok(paths.some((p) => p.endsWith('results.db-wal')) && paths.some((p) => p.includes('ISOLANE_JOBS')), paths.join('\n'));
    for (const path of paths) {
        const bytes = readFileSync(path);
        for (const form of forms) assert.ok(!bytes.includes(form), `${path} has ${form}`);
        // Streams and rows are envelopes: their payload is base64.
        const payloads = bytes.toString('latin1').match(/"payload":"[A-Za-z0-9+/=]+"/g) ?? [];
        for (const p of payloads) for (const form of forms) assert.ok(!Buffer.from(p.slice(11, -1), 'base64').includes(form), `${path} has ${form} in a payload`);
    }
    for (const form of forms) assert.ok(!w.stderr.includes(form) && !w.process.text.stdout.includes(form), form);
    assert.equal(open_envelope(await c.direct('plain-1', 'ci')).value, '***');
});
