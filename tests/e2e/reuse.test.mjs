// `reuse`: what is left of a job for the next one of its tenant, what is not, and when a cell that stays ends.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { isolane, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const POOL = 2;
const TENANT_CELLS = 3;
const config = {
    pool: POOL,
    max_running: 4,
    warm: { cells: 5, tenant_cells: TENANT_CELLS, idle_s: 120, max_calls: 400 }, // a pause of the machine between two jobs ends no cell
    tenants: [
        { name: 'default' }, { name: 'other' }, { name: 'ci', permissions: { eval: true, env: ['CI_REGION'] } },
        { name: 'fresh', reuse: [] }, { name: 'half', reuse: ['tenant'] }, { name: 'store', permissions: { kv: true } }, { name: 'shared', permissions: { sab: true } },
    ],
};

let w, c;
before(async () => {
    w = await up({ config, env: { CI_REGION: 'eu' } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
    const checked = await isolane(['verify', '--db', `${w.data}/results.db`, '--data', w.data]);
    assert.equal(checked.code, 0, checked.stderr);
});

let jobs = 0;
const run = (script, more = {}, tenant = 'default') => c.execute({ id: `r${++jobs}`, script, ...more }, { tenant });
async function ok(script, more, tenant) {
    const r = await run(script, more, tenant);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r;
}
const script = { reuse: 'script' };
const unlike = () => `/* ${++jobs} */`; // a script that no other test has

test('none, tenant and script: what the next job finds', async () => {
    const text = `${unlike()} globalThis.n = (globalThis.n ?? 0) + 1; let calls = 0; export default () => [n, ++calls]`;
    const seen = {};
    for (const reuse of ['none', 'tenant', 'script']) {
        seen[reuse] = [];
        for (let i = 0; i < 3; i++) {
            const r = await ok(text, { reuse });
            seen[reuse].push([r.value, r.reuse?.mode ?? null, r.reuse?.call ?? null]);
        }
    }
    assert.deepEqual(seen, {
        none: [[[1, 1], null, null], [[1, 1], null, null], [[1, 1], null, null]],
        tenant: [[[1, 1], 'tenant', 1], [[1, 1], 'tenant', 2], [[1, 1], 'tenant', 3]],
        script: [[[1, 1], 'script', 1], [[1, 2], 'script', 2], [[1, 3], 'script', 3]],
    });
});

test('tenant: jobs of different scripts share the process, each in a world of its own', async () => {
    const calls = [];
    for (let i = 0; i < 4; i++) {
        const r = await ok(`${unlike()} Array.prototype.evil = ${i}; globalThis.left = 1; export default [typeof left, Object.keys([]).length]`, { reuse: 'tenant' }, 'half');
        assert.deepEqual(r.value, ['number', 0]);
        const look = await ok(`${unlike()} export default [typeof left, typeof [].evil]`, { reuse: 'tenant' }, 'half');
        assert.deepEqual(look.value, ['undefined', 'undefined']);
        calls.push(r.reuse.call, look.reuse.call);
    }
    assert.deepEqual(calls, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('script: input, job, env and console are those of the present call', async () => {
    const text = `${unlike()} const seen = []; export default async (input, job, ...more) => {
        seen.push(job.id); console.log('line', input.n); console.count('c'); console.group('g'); console.time('t');
        job.progress(0.5, 'half');
        return { input, id: job.id, same: job.input.n === input.n, global: globalThis.job === job, attempt: job.attempt, env: job.env, more: more.length, seen: seen.length };
    }`;
    for (let n = 1; n <= 3; n++) {
        const r = await ok(text, { ...script, input: { n }, env: { A: 'x' } });
        assert.deepEqual(r.value, { input: { n }, id: r.id, same: true, global: true, attempt: 1, env: { A: 'x' }, more: 0, seen: n });
        assert.equal(r.stdout, `line ${n}\nc: 1\ng\n`);
        assert.equal(r.stderr, '');
    }
});

test('the same script runs in all modes; a function gets the input and the job', async () => {
    const text = `${unlike()} export default (input, job) => [input, job.tenant]`;
    for (const reuse of ['none', 'tenant', 'script']) assert.deepEqual((await ok(text, { reuse, input: 7 })).value, [7, 'default']);
});

test('script: a default export that is no function is an error that says so', async () => {
    for (const [text, found] of [['export default 42', 'number'], ['export default { run() {} }', 'object'], ['export const a = 1', 'undefined']]) {
        const r = await run(`${unlike()} ${text}`, script);
        assert.equal(r.outcome, 'threw');
        assert.equal(r.error.name, 'TypeError');
        assert.match(r.error.message, new RegExp(`must be a function \\(input, job\\) => value; found: ${found}$`));
    }
});

test('script: a call that failed ends the context: it threw, has no value in JSON, or never settles', async () => {
    const text = `${unlike()} let n = 0; export default (input) => { n++; if (input === 'throw') throw new RangeError('no'); if (input === 'big') return 1n; if (input === 'never') return new Promise(() => {}); return n }`;
    for (const [input, name] of [['throw', 'RangeError'], ['big', 'TypeError'], ['never', 'Error']]) {
        assert.equal((await ok(text, script)).value, 1);
        const r = await run(text, { ...script, input });
        assert.deepEqual([r.outcome, r.error.name, r.reuse.call], ['threw', name, 2]);
        const next = await ok(text, script);
        assert.deepEqual([next.value, next.reuse.call], [1, 1]);
        await run(text, { ...script, input: 'throw' }); // the cell goes
    }
    const broken = `${unlike()} throw new Error('at the top')`;
    for (let i = 0; i < 2; i++) assert.deepEqual((await run(broken, script)).reuse, { mode: 'script', call: 1 });
});

test('script: what a call left pending does not run in the next', async () => {
    const text = `${unlike()} let mark = [];
        export default async (input) => {
            if (input === 'leave') {
                AbortSignal.timeout(20).onabort = () => { mark.push('signal'); console.log('mark') };
                new Promise(() => {}).then(() => mark.push('never'));
                return mark;
            }
            await new Promise((r) => setTimeout(r, 60));
            return mark;
        }`;
    for (const [i, input] of ['look', 'leave', 'look'].entries()) {
        const r = await ok(text, { ...script, input });
        assert.deepEqual([r.value, r.stdout, r.reuse.call], [[], '', i + 1]);
    }
});

test('script: a wake-up of Atomics.waitAsync that is still to come ends the context', async () => {
    const text = `${unlike()} globalThis.n = (globalThis.n ?? 0) + 1; const at = new Int32Array(new SharedArrayBuffer(4));
        export default async (input) => {
            if (input) Atomics.waitAsync(at, 0, 0, 20).value.then(() => console.log('woke'));
            else await new Promise((r) => setTimeout(r, 60));
            return 'done';
        }`;
    for (const [input, call] of [[0, 1], [1, 2], [0, 1], [0, 2]]) {
        const r = await ok(text, { ...script, input }, 'shared');
        assert.deepEqual([r.stdout, r.reuse.call], ['', call]);
    }
});

test('script: what a call leaves behind is collected in its own time, and no part of the next one\'s heap', async () => {
    const text = `${unlike()} export default (input) => { const a = []; for (let i = 0; i < input; i++) a.push({ i, s: 'x' + i }); return a.length }`;
    const heavy = await ok(text, { ...script, input: 300000 }), light = await ok(text, { ...script, input: 10 });
    assert.equal(light.reuse.call, 2);
    assert.ok(heavy.usage.heap_peak_bytes > 16 << 20 && light.usage.heap_peak_bytes < heavy.usage.heap_peak_bytes / 4, `${heavy.usage.heap_peak_bytes} ${light.usage.heap_peak_bytes}`);
});

test('script: a microtask that the value\'s toJSON makes is over before the next call', async () => {
    const text = `${unlike()} let late = 0; export default () => ({ late, toJSON() { Promise.resolve().then(() => { late++ }); return [late] } })`;
    for (let n = 0; n < 3; n++) assert.deepEqual((await ok(text, script)).value, [n]);
});

test('script: other code, name, environment, permissions, budgets of memory or tenant: another context', async () => {
    const body = unlike();
    const text = `${body} let n = 0; export default () => ++n`;
    const others = [
        [{}, 'ci'], [{ name: 'other.mjs' }, 'ci'], [{ env: { A: '1' } }, 'ci'], [{ permissions: { eval: false } }, 'ci'],
        [{ limits: { heap_mb: 32 } }, 'ci'], [{ limits: { memory_mb: 200 } }, 'ci'], [{}, 'other'], [{}, 'default'],
    ];
    for (const [more, tenant] of others) assert.equal((await ok(text, { ...script, ...more }, tenant)).value, 1, JSON.stringify(more));
    assert.equal((await ok(`${text} /* and more */`, script, 'default')).value, 1);
    assert.equal((await ok(text, script, 'default')).value, 2);
});

test('a job that a budget stopped ends its cell, and only that', async () => {
    const text = `${unlike()} let n = 0; export default (input) => { n++; if (input === 'spin') for (;;); if (input === 'fill') { const a = []; for (;;) a.push(new Array(1e5).fill(n)) }
        if (input === 'print') for (;;) console.log('x'.repeat(1000)); return n }`;
    for (const [input, outcome, limits] of [['spin', 'cpu_exceeded', { cpu_ms: 50 }], ['fill', 'heap_exceeded', { cpu_ms: 20000 }], ['print', 'output_exceeded', { output_kb: 16 }]]) {
        assert.equal((await ok(text, { ...script, input: 0, limits })).value, 1);
        assert.equal((await ok(text, { ...script, input: 0, limits })).value, 2);
        const r = await run(text, { ...script, input, limits });
        assert.deepEqual([r.outcome, r.reuse.call], [outcome, 3]);
        const next = await ok(text, { ...script, input: 0, limits });
        assert.deepEqual([next.value, next.reuse.call], [1, 1]);
        await run(text, { ...script, input: 'spin', limits: { ...limits, cpu_ms: 20 } }); // the cell goes
    }
});

test('usage is the job\'s own: processor time and output of the one before are not in it', async () => {
    const text = `${unlike()} export default (input) => { console.log('x'.repeat(input)); let s = 0; for (let i = 0; i < input * 1e6; i++) s = (s * 31 + i) % 65521; return s }`;
    for (const reuse of ['tenant', 'script']) {
        const heavy = await ok(text, { reuse, input: 40 });
        const light = await ok(text, { reuse, input: 0 });
        assert.ok(heavy.usage.cpu_ms >= 10, `${heavy.usage.cpu_ms}`);
        assert.ok(light.usage.cpu_ms < heavy.usage.cpu_ms / 2, `${light.usage.cpu_ms}`);
        assert.equal(light.reuse.call, heavy.reuse.call + 1);
        assert.equal(light.stdout, '\n');
    }
});

test('what a context gathers counts: before it is in the way of a job it is given up', async () => {
    const text = `${unlike()} const all = []; export default () => { for (let i = 0; i < 40; i++) all.push(new Array(16384).fill(i)); return all.length }`;
    let fewer = 0, last = 0;
    for (let i = 0; i < 30; i++) {
        const { value } = await ok(text, { ...script, limits: { heap_mb: 32, cpu_ms: 5000 } });
        fewer += value <= last;
        last = value;
    }
    assert.ok(fewer > 0, 'it began anew');
});

test('many at once: each call in one cell at a time, each counted once', async () => {
    const text = `${unlike()} let n = 0; let at = 0; export default async (input) => { at++; await null; const alone = at; at--; return [++n, alone, input] }`;
    const all = await Promise.all(Array.from({ length: 300 }, (_, input) => ok(text, { ...script, input })));
    for (const [input, r] of all.entries()) assert.deepEqual([r.value[0], r.value[1], r.value[2]], [r.reuse.call, 1, input]);
    assert.ok(all.some((r) => r.reuse.call > 20));
});

// Jobs of a script whose calls take no time are sent ahead and wait in its cells (executor/cells/warm.h).
test('many at once, some slow, failing, stopped or asking: those behind them run elsewhere, each once', async () => {
    const text = `${unlike()} let n = 0; export default async (input) => { n++; if (input % 50 === 7) { const t = Date.now(); while (Date.now() - t < 60); } if (input % 50 === 17) throw new Error('no');
        if (input % 50 === 27) for (;;); if (input % 50 === 37) await kv.get('nothing'); if (input % 50 === 47) await new Promise((r) => setTimeout(r, 60)); console.log(input); return [n, input] }`;
    for (let i = 0; i < 20; i++) await ok(text, { ...script, input: 0 }, 'store');
    const all = await Promise.all(Array.from({ length: 300 }, (_, input) => run(text, { ...script, input, limits: { cpu_ms: 100 } }, 'store')));
    for (const [input, r] of all.entries()) {
        const kind = input % 50;
        assert.equal(r.outcome, kind === 17 ? 'threw' : kind === 27 ? 'cpu_exceeded' : 'ok', `${input}: ${JSON.stringify(r.error)}`);
        assert.equal(r.attempts, 1);
        if (r.outcome === 'ok') assert.deepEqual([r.value, r.stdout], [[r.reuse.call, input], `${input}\n`]);
        if (kind === 7) assert.ok(r.usage.wall_ms >= 59 && r.usage.cpu_ms > 1, JSON.stringify(r.usage));
        if (kind === 27) assert.ok(r.usage.cpu_ms >= 99, JSON.stringify(r.usage));
        if (kind === 47) assert.ok(r.usage.wall_ms >= 59, JSON.stringify(r.usage));
        assert.ok(r.usage.cpu_ms <= r.usage.wall_ms + 20, JSON.stringify(r.usage));
    }
});

test('script: one that is cancelled while it waits in a cell does not run', async () => {
    const text = `${unlike()} let n = 0; export default (input) => { n++; const t = Date.now(); while (Date.now() - t < input); return n }`;
    for (let i = 0; i < 60; i++) await ok(text, { ...script, input: 0 });
    const wave = Array.from({ length: 60 }, (_, i) => ({ id: `line${i}`, script: text, ...script, input: i < 4 ? 400 : 0 }));
    const ends = wave.map((job) => c.execute(job));
    await Promise.all(wave.slice(30, 40).map((job) => c.cancel(job.id)));
    const all = await Promise.all(ends);
    for (const [i, r] of all.entries()) assert.ok(r.outcome === 'ok' || (i >= 30 && i < 40 && r.outcome === 'cancelled'), `${i} ${r.outcome}`);
});

test('a tenant that is not allowed a mode is told', async () => {
    for (const [tenant, reuse] of [['fresh', 'tenant'], ['fresh', 'script'], ['half', 'script']]) {
        const r = await run('export default () => 1', { reuse }, tenant);
        assert.deepEqual([r.outcome, r.error.message], ['invalid', `reuse: found "${reuse}", which the configuration does not allow tenant '${tenant}'`]);
    }
    assert.equal((await ok('export default () => 1', { reuse: 'none' }, 'fresh')).reuse, null);
});

test('cells that stay are bounded, in all and those of a tenant', async () => {
    const other = await up({ config, env: { CI_REGION: 'eu' } }), client = await Client.connect(other.url); // its cells alone
    const eight = async (tenant) => {
        for (let i = 0; i < 8; i++) assert.equal((await client.execute({ ...script, script: `export default () => ${i}` }, { tenant })).value, i);
    };
    await eight('default');
    await until('the cells that a tenant may have', () => other.cells().length === POOL + TENANT_CELLS);
    await eight('other');
    await until('the cells that may stay', () => other.cells().length === POOL + config.warm.cells);
    await client.close();
    await other.stop();
});

test('cells that are idle end', async () => {
    const other = await up({ config: { ...config, warm: { ...config.warm, idle_s: 1 } }, env: { CI_REGION: 'eu' } }), client = await Client.connect(other.url);
    for (let i = 0; i < 3; i++) assert.equal((await client.execute({ ...script, script: `export default () => ${i}` })).value, i);
    await until('only the pool to be left', () => other.cells().length <= POOL);
    await client.close();
    await other.stop();
});

test('a cell has max_calls jobs at the most', async () => {
    const text = `${unlike()} export default () => 0`;
    let most = 0;
    for (let round = 0; round < 4 && most < config.warm.max_calls; round++) { // several cells may share the first
        const all = await Promise.all(Array.from({ length: 1300 }, () => ok(text, { ...script, limits: { heap_mb: 48 } })));
        most = Math.max(most, ...all.map((r) => r.reuse.call));
    }
    assert.equal(most, config.warm.max_calls);
});

test('a zygote that is gone takes its cells along; the next job begins anew', async () => {
    const text = `${unlike()} let n = 0; export default () => ++n`;
    assert.equal((await ok(text, script)).value, 1);
    assert.equal((await ok(text, script)).value, 2);
    const [old] = w.zygotes();
    process.kill(old, 'SIGKILL');
    await until('another zygote', () => w.zygotes().length === 1 && w.zygotes()[0] !== old);
    assert.equal((await ok(text, script)).value, 1);
});
