// What a job may do: permissions of tenant and job, over NATS and in `run`; profiles and their cells; zygotes that are renewed.
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, scratch } from './lib/place.mjs';
import { cpu_ms, isolane, send_signal, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

// Its value says what a job has.
const look = `
    const tried = (f) => { try { return f() } catch (e) { return e.name } };
    export default {
        eval: tried(() => eval('1 + 1')), wasm: typeof WebAssembly === 'undefined' ? 'none' : tried(() => new WebAssembly.Memory({ initial: 1 }).buffer.byteLength),
        sab: typeof SharedArrayBuffer, env: job.env,
    };`;
const nothing = { eval: 'EvalError', wasm: 'CompileError', sab: 'undefined', env: {} };

const config = {
    profile_idle_s: 1,
    permissions: { eval: true },
    tenants: [
        { name: 'default', permissions: { eval: false } },
        { name: 'ci', permissions: { wasm: true, sab: true, clock_us: 100, net: ['api.example.com', '*.example.org:443'], env: ['CI_REGION', 'NOT_SET'] } },
        { name: 'strict', profile: 'jitless' },
    ],
};

let w, c;
before(async () => {
    w = await up({ config, args: ['--set', 'log_level=info'], env: { CI_REGION: 'eu "1"', CI_OTHER: 'hidden' } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const seen = async (tenant, more = {}, client = c) => {
    const r = await client.execute({ script: look, ...more }, { tenant });
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r;
};
const invalid = async (tenant, more) => {
    const r = await c.execute({ script: look, ...more }, { tenant });
    assert.deepEqual([r.outcome, r.error.name, r.started_at], ['invalid', 'InvalidJob', null]);
    return r.error.message;
};

test('a tenant without permissions: nothing is there', async () => {
    const r = await seen('default');
    assert.deepEqual(r.value, nothing);
    assert.deepEqual([r.permissions, r.profile], [[], 'default']);
    assert.match(r.engine_flags, /^--single-threaded /);
    assert.doesNotMatch(r.engine_flags, /jitless/);
});

test('a job has what its tenant has, and its result says so', async () => {
    const r = await seen('ci', { env: { MINE: '1' } });
    assert.deepEqual(r.value, { eval: 2, wasm: 65536, sab: 'function', env: { CI_REGION: 'eu "1"', MINE: '1' } });
    assert.deepEqual(r.permissions, ['eval', 'wasm', 'sab', 'clock_us:100', 'net:api.example.com', 'net:*.example.org:443', 'env:CI_REGION', 'env:NOT_SET']);
});

test('a job may ask for less, piece by piece; its own variables win', async () => {
    const all = { eval: 2, wasm: 65536, sab: 'function', env: { CI_REGION: 'eu "1"' } };
    for (const [name, none] of [['eval', 'EvalError'], ['wasm', 'CompileError'], ['sab', 'undefined']])
        assert.deepEqual((await seen('ci', { permissions: { [name]: false } })).value, { ...all, [name]: none });
    assert.deepEqual((await seen('ci', { permissions: { env: [] } })).value, { ...all, env: {} });
    assert.deepEqual((await seen('ci', { env: { CI_REGION: 'mine' } })).value.env, { CI_REGION: 'mine' });
    const r = await seen('ci', { permissions: { eval: false, wasm: false, sab: false, clock_us: 1000, net: [], env: [] } });
    assert.deepEqual([r.value, r.permissions], [nothing, []]);
});

test('a job that asks for more is told what is allowed', async () => {
    assert.equal(await invalid('default', { permissions: { eval: true } }),
        'permissions.eval: found true; allowed: false (permission of tenant \'default\')');
    assert.equal(await invalid('ci', { permissions: { net: ['api.example.com', 'x.org'] } }),
        'permissions.net[1]: found "x.org"; allowed: api.example.com, *.example.org:443 (permission of tenant \'ci\')');
    assert.equal(await invalid('ci', { permissions: { clock_us: 5 } }),
        'permissions.clock_us: found 5; allowed: 100 to 1000000 (permission of tenant \'ci\')');
    assert.equal(await invalid('ci', { permissions: { env: ['CI_OTHER'] } }),
        'permissions.env[0]: found "CI_OTHER"; allowed: CI_REGION, NOT_SET (permission of tenant \'ci\')');
    assert.equal(await invalid('strict', { profile: 'default' }),
        'profile: found "default"; allowed: "jitless" (profile of tenant \'strict\')');
    assert.equal(await invalid('ci', { profile: 'jitless', permissions: { wasm: true } }),
        'permissions.wasm: found true; allowed: false, for profile jitless has no WebAssembly');
});

test('the clock moves in the job\'s steps', async () => {
    const script = `let last = performance.now(), least = Infinity;
        for (let n = 0; n < 5;) { const t = performance.now(); if (t !== last) { if (n++) least = Math.min(least, t - last); last = t } }
        export default least`;
    const run = async (tenant, permissions) => (await c.execute({ script, permissions }, { tenant })).value;
    assert.ok(await run('ci', {}) >= 0.0999);
    assert.ok(await run('default', {}) >= 0.999);
    assert.ok(await run('ci', { clock_us: 30_000 }) >= 29.99);
});

test('jitless: the tenant\'s jobs and those that ask run without machine code, beside the others', async () => {
    const strict = await seen('strict');
    assert.deepEqual(strict.value, { eval: 2, wasm: 'none', sab: 'undefined', env: {} });
    assert.equal(strict.profile, 'jitless');
    assert.match(strict.engine_flags, / --jitless$/);
    const asked = await seen('ci', { profile: 'jitless' });
    assert.deepEqual([asked.profile, asked.value.wasm, asked.permissions.includes('wasm')], ['jitless', 'none', false]);
    assert.deepEqual(asked.jail, (await seen('ci')).jail);
});

test('jitless cells have no memory that can be written and executed; their zygote has its own process', async (t) => {
    const ids = [];
    for (const [tenant, profile] of [['ci', 'default'], ['ci', 'jitless']]) {
        const ack = await c.publish({ script: 'await new Promise((r) => setTimeout(r, 60000))', profile, limits: { wall_ms: 60000 } }, { tenant });
        ids.push([String(ack.seq), tenant]);
    }
    const running = async () => (await Promise.all(ids.map(([id]) => c.get(id)))).every((a) => a.state === 'running');
    await until('both to run', running);
    await until('two zygotes', () => w.zygotes().length === 2);
    let maps;
    try {
        maps = w.cells().map((p) => readFileSync(`/proc/${p}/maps`, 'utf8')).filter(Boolean);
    } catch (error) {
        t.diagnostic(`cannot look into cells: ${error.code}`);
    }
    if (maps) {
        const writable_code = (m) => (m.match(/^\S+ .wx. /gm) ?? []).length;
        assert.ok(maps.some((m) => writable_code(m) === 0), 'a jitless cell');
        assert.ok(maps.some((m) => writable_code(m) > 0), 'a cell with compilers: the test sees the difference');
    }
    for (const [id, tenant] of ids) {
        await c.cancel(id, { tenant });
        assert.equal((await c.result(id, { tenant })).outcome, 'cancelled');
    }
});

test('a profile that waits for its zygote holds up no other, and fairness stays', async () => {
    await until('the jitless cells to be given up', () => w.zygotes().length === 1);
    const done = [];
    const jobs = Array.from({ length: 24 }, (_, i) => i % 2 ? { tenant: 'strict' } : { tenant: 'ci' });
    const results = await Promise.all(jobs.map(async ({ tenant }, i) => {
        const r = await c.execute({ id: `mixed-${i}`, script: 'export default 7' }, { tenant });
        done.push(r.profile);
        return r;
    }));
    assert.ok(results.every((r, i) => r.outcome === 'ok' && r.profile === (i % 2 ? 'jitless' : 'default')), JSON.stringify(results.map((r) => r.outcome)));
    assert.equal(done.filter((p) => p === 'jitless').length, 12);
});

test('cells of a profile that nobody wants any more are given up, and made again', async () => {
    const r = await c.execute({ script: 'await new Promise((r) => setTimeout(r, 1500))' }, { tenant: 'strict' });
    assert.deepEqual([r.outcome, r.profile], ['ok', 'jitless']);
    await until('the jitless zygote to go', () => w.zygotes().length === 1);
    // profile_idle_s after the end of the last job, not after its beginning.
    const given_up = await until('the worker to say so', () => [...w.stderr.matchAll(/^(\S+) info pools: profile jitless has had no job/gm)]
        .map(([, at]) => Date.parse(at)).find((at) => at > Date.parse(r.finished_at)));
    assert.ok(given_up - Date.parse(r.finished_at) >= 900, `${given_up - Date.parse(r.finished_at)} ms after it`);
    assert.equal((await seen('strict')).profile, 'jitless');
});

// ---- renewal ----------------------------------------------------------------------------------------

// Where the machine's address-space layout puts things in a process.
const layout = (pid) => {
    const maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
    const base = (what) => maps.match(new RegExp(`^([0-9a-f]+)-.*${what}`, 'm'))?.[1];
    return { libc: base('libc\\.so'), stack: base('\\[stack\\]'), heap: base('\\[heap\\]') };
};

test('after a crash by a signal the zygote is another one, of another layout, for each profile', async (t) => {
    if (readFileSync('/proc/sys/kernel/randomize_va_space', 'utf8').trim() === '0') return t.skip('this machine has no address-space layout randomisation');
    // Of a worker that gives up no zygote for want of jobs: each that goes here is renewed.
    const kept = await up({ config: { ...config, profile_idle_s: 3600 } });
    const client = await Client.connect(kept.url);
    const parent_of = (cell) => Number(readFileSync(`/proc/${cell}/stat`, 'utf8').replace(/^.*\) \S+ /s, '').split(' ')[0]);
    for (const tenant of ['ci', 'strict']) {
        await seen(tenant, {}, client);
        const zygotes = kept.zygotes();
        const busy = await client.publish({ script: 'for (;;);', limits: { cpu_ms: 20000, wall_ms: 20000 }, max_attempts: 1 }, { tenant });
        // A cell of either profile may be it: the one whose job this is uses the processor, more than any needs to start.
        const cell = await until('the busy cell', () => kept.cells().find((p) => cpu_ms(p) >= 200));
        const parent = parent_of(cell);
        assert.ok(zygotes.includes(parent));
        let before;
        try {
            before = layout(parent);
        } catch {
            t.diagnostic('cannot read the zygote\'s mappings');
        }
        send_signal(cell, 'SIGSEGV');
        assert.equal((await client.result(String(busy.seq), { tenant })).outcome, 'crashed');
        const fresh = await until('another zygote in its place', () =>
            !kept.zygotes().includes(parent) && kept.zygotes().find((z) => !zygotes.includes(z)));
        assert.equal((await seen(tenant, {}, client)).outcome, 'ok');
        await until('no cell of the old zygote', () => !kept.cells().some((p) => {
            try {
                return parent_of(p) === parent;
            } catch {
                return false;
            }
        }));
        if (before) {
            const now = layout(fresh);
            assert.ok(before.libc && before.stack, JSON.stringify(before));
            assert.notEqual(now.libc, before.libc);
            assert.notEqual(now.stack, before.stack);
        }
    }
    await client.close();
    await kept.stop();
});

test('zygote_renew_s: an old zygote is replaced by one of another layout, which forks from then on', async () => {
    const young = await up({ config: { zygote_renew_s: 1 } });
    const client = await Client.connect(young.url);
    const layouts = new Set(), pids = new Set();
    const own = readlinkSync(`/proc/${young.pid}/exe`);
    await until('three zygotes one after the other', () => {
        for (const z of young.zygotes()) {
            try {
                if (readlinkSync(`/proc/${z}/exe`) === own) continue; // forked, and the worker still: it has its layout
                const { libc } = layout(z);
                if (libc && !pids.has(z)) layouts.add(libc);
                if (libc) pids.add(z);
            } catch { /* gone already */ }
        }
        return pids.size >= 3;
    });
    assert.equal(layouts.size, pids.size, 'no two of them have the same layout');
    assert.equal((await client.execute({ script: 'export default 1' })).outcome, 'ok');
    await client.close();
    await young.stop();
});

// ---- the command line -------------------------------------------------------------------------------

const file = join(scratch, 'look.mjs');
writeFileSync(file, look);

const ran = async (args, env) => {
    const end = await isolane(['run', file, '--json', '--data', fresh_folder(), ...args], { env });
    assert.equal(end.code, 0, end.stderr);
    return JSON.parse(end.stdout);
};

test('run: nothing is permitted but what --allow says', async () => {
    assert.deepEqual((await ran([])).value, nothing);
    for (const [what, gives] of [['eval', 2], ['wasm', 65536], ['sab', 'function']])
        assert.deepEqual((await ran(['--allow', what])).value, { ...nothing, [what]: gives });
    const r = await ran(['--allow', 'eval,wasm', '--allow', 'sab,clock_us=50,net=api.example.com,env=REGION'], { REGION: 'north' });
    assert.deepEqual(r.value, { eval: 2, wasm: 65536, sab: 'function', env: { REGION: 'north' } });
    assert.deepEqual(r.permissions, ['eval', 'wasm', 'sab', 'clock_us:50', 'net:api.example.com', 'env:REGION']);
});

test('run: --profile and --deny', async () => {
    const r = await ran(['--profile', 'jitless', '--allow', 'eval,sab', '--deny', 'sab']);
    assert.deepEqual([r.profile, r.value], ['jitless', { ...nothing, eval: 2, wasm: 'none' }]);
    for (const [args, words] of [
        [['--allow', 'evil'], /--allow: found 'evil'; allowed: eval, wasm, sab, kv, emit, artifacts, clock_us=N, net=HOST, env=NAME/],
        [['--allow', 'net=127.1'], /--allow: found net=127\.1; allowed: host, /],
        [['--allow', 'clock_us=1'], /--allow: found clock_us=1; allowed: a whole number from 5 to 1000000/],
        [['--deny', 'clock_us'], /--deny: found 'clock_us'; allowed: eval, wasm, sab, kv, emit, artifacts, net, env/],
        [['--profile', 'jitless', '--allow', 'wasm'], /--allow: found wasm; allowed: what profile jitless has/],
        [['--profile', 'fast'], /--profile: found 'fast'; allowed: default, jitless/],
    ]) {
        const end = await isolane(['run', file, '--data', fresh_folder(), ...args]);
        assert.equal(end.code, 2, end.stderr);
        assert.match(end.stderr, words);
    }
});

test('submit: --allow asks the tenant, --deny does without, --profile is the job\'s', async () => {
    const submit = async (...args) => {
        const end = await isolane(['submit', file, '--nats', w.url, '--wait=20', '--json', ...args]);
        return JSON.parse(end.stdout);
    };
    const r = await submit('--tenant', 'ci', '--allow', 'eval,env=CI_REGION', '--deny', 'wasm', '--profile', 'jitless');
    assert.deepEqual([r.value, r.profile], [{ eval: 2, wasm: 'none', sab: 'function', env: { CI_REGION: 'eu "1"' } }, 'jitless']);
    assert.equal((await submit('--allow', 'eval')).error.message,
        'permissions.eval: found true; allowed: false (permission of tenant \'default\')');
});
