// Compile caches: a source that comes again is not parsed again, and nothing else about it changes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { isolane, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up({ config: { pool: 2, nats: { heartbeat_s: 1 }, tenants: [{ name: 'default' }, { name: 'other' }, { name: 'strict', profile: 'jitless' }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

let jobs = 0;
async function run(job, tenant = 'default') {
    const r = await c.execute({ id: `code-${++jobs}`, ...job }, { tenant });
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r.value;
}
/** What the worker says of itself, with its next heartbeat at the latest. */
const entry = () => until('the worker in the registry', async () => {
    const r = await isolane(['workers', '--json', '--nats', w.url]);
    return r.code === 0 && r.stdout && JSON.parse(r.stdout.split('\n')[0]);
});
/** Runs the job so often that the last ones are given code: every value. */
async function often(job, tenant) {
    const values = [];
    for (let i = 0; i < 6; i++) values.push(await run(job, tenant));
    return values;
}
const filler = Array.from({ length: 40 }, (_, i) => `function f${i}(a, b = ${i}) { return [a, b, { a }].map((x) => typeof x) }`).join('\n');

test('a module: values, stacks, lines and import() are what they were', async () => {
    const script = `${filler}\n
        const place = () => new Error('here').stack.split('\\n')[1].trim();
        export default async (input) => [f7(1), place(), (await import('data:application/json,5', { with: { type: 'json' } })).default, import.meta.main, input.n]`;
    const line = script.split('\n').findIndex((l) => l.includes('const place')) + 1;
    for (const v of await often({ script, input: { n: 3 } })) {
        assert.deepEqual([v[0], v[2], v[3], v[4]], [['number', 'number', 'object'], 5, true, 3]);
        assert.match(v[1], new RegExp(`:${line}:\\d+\\)?$`));
    }
});

test('a classic script', async () => {
    for (const v of await often({ type: 'script', script: `${filler}\n f3('x').length + [1, 2].reduce((a, b) => a + b)` }))
        assert.equal(v, 6);
});

test('files: the one that runs and those that it imports', async () => {
    const files = { 'main.mjs': `import { g } from './lib/g.mjs'; import data from './data.json' with { type: 'json' }; import cjs from './old.cjs';\n${filler}\nexport default [g(2), data.x, cjs.y, f1(0).length]`,
        'lib/g.mjs': `${filler}\nexport const g = (n) => n * 21;`, 'data.json': '{"x":1}', 'old.cjs': `${filler}\nexports.y = 'cjs';` };
    for (const v of await often({ files, main: 'main.mjs' }))
        assert.deepEqual(v, [42, 1, 'cjs', 3]);
});

test('TypeScript: what became of it', async () => {
    for (const v of await often({ name: 'job.ts', script: `${filler}\ninterface A { n: number }\nconst a: A = { n: 4 };\nexport default a.n` }))
        assert.equal(v, 4);
});

test('profile jitless has code of its own', async () => {
    for (const v of await often({ script: `${filler}\nexport default f2(1)` }, 'strict'))
        assert.deepEqual(v, ['number', 'number', 'object']);
});

test('reuse: a cell that stays compiles once, a fresh one is given code', async () => {
    const script = `${filler}\nlet n = 0; export default () => ++n`;
    await often({ script });
    assert.equal(await run({ script, reuse: 'script' }), 1);
    assert.equal(await run({ script, reuse: 'script' }), 2);
    assert.equal(await run({ script, reuse: 'tenant' }), 1);
    assert.equal(await run({ script, reuse: 'tenant' }), 1);
});

test('a source that cannot be compiled ends as it did, each time', async () => {
    for (let i = 0; i < 4; i++) {
        const r = await c.execute({ id: `wrong-${i}`, script: `${filler}\nlet a = 1; let a = 2;` });
        assert.equal(r.outcome, 'threw');
        assert.match(r.error.message, /already been declared/);
        assert.equal(r.error.line, 41);
    }
});

test('nothing of a source runs when it is compiled', async () => {
    // Compiling has neither a clock to wait for nor anybody to tell: a source that never ends shows
    // that only its own runs end so.
    const script = `${filler}\nif (job.input.spin) for (;;); export default 'ran'`;
    const values = await often({ script, input: { spin: false } });
    assert.ok(values.every((v) => v === 'ran'));
    const r = await c.execute({ id: 'spins', script, input: { spin: true }, limits: { cpu_ms: 50 } });
    assert.equal(r.outcome, 'cpu_exceeded');
});

test('code was given', async () => {
    const { misses, kb } = await until('hits in the registry', async () => {
        const { code_hits: hits, code_misses, code_kb } = await entry();
        return hits >= 12 ? { misses: code_misses, kb: code_kb } : null;
    });
    assert.ok(misses > 0 && kb > 0);
});

// ---- a zygote that has compiled the source (executor/cells/branches.h) ----

const large = (tag) => `// ${tag}\n${Array.from({ length: 900 }, (_, i) => `function big${i}(a, b = ${i}) { return [a, b, { a }].map((x) => typeof x) } // ${tag}`).join('\n')}\n`;
/** Runs the job until cells of a zygote with its source have had it: every value. */
async function until_ahead(job, tenant) {
    const { branch_jobs: before } = await entry(), values = [];
    await until('jobs in cells with the source', async () => {
        for (let i = 0; i < 5; i++) values.push(await run(job, tenant));
        return (await entry()).branch_jobs > before + 2;
    });
    return values;
}

test('a large source that comes often: each job finds a world of its own, and its own input', async () => {
    const script = `${large('one')} globalThis.n = (globalThis.n ?? 0) + 1; const seen = Math.random();
        export default (input, job) => [big7(1)[2], n, seen, job.id, input.k, new Error('x').stack.includes(':903:'), crypto.randomUUID()]`;
    const values = await until_ahead({ script, input: { k: 'v' } });
    for (const v of values) assert.deepEqual([v[0], v[1], v[4], v[5]], ['object', 1, 'v', true]);
    for (const i of [2, 3, 6]) assert.equal(new Set(values.map((v) => v[i])).size, values.length);
});

test('large files, profile jitless, in cells that hold their jail', async () => {
    const files = { 'main.mjs': `import { g } from './g.mjs';\nexport default [g(), typeof WebAssembly]`, 'g.mjs': `${large('two')} export const g = () => big3(1).length` };
    for (const v of await until_ahead({ files, main: 'main.mjs' }, 'strict')) assert.equal(v[0], 3);
    const r = await c.execute({ id: 'jailed', files, main: 'main.mjs' }, { tenant: 'strict' });
    assert.equal(r.profile, 'jitless');
    for (const layer of ['seccomp', 'no_caps', 'mountns', 'not_dumpable']) assert.ok(r.jail.includes(layer), `${r.jail}`);
    assert.ok(r.attestation, 'the escape attempts were made in a cell of that zygote');
});

test('budgets hold in them', async () => {
    const script = `${large('three')} export default (i) => { if (i.spin) for (;;); if (i.fill) { const a = []; for (;;) a.push(new Array(1e4).fill(i)); } return 'fine' }`;
    await until_ahead({ script, input: {} }, 'other');
    const end = async (input) => (await c.execute({ id: `end-${++jobs}`, script, input, limits: { cpu_ms: 60, heap_mb: 32 } }, { tenant: 'other' })).outcome;
    assert.equal(await end({ spin: 1 }), 'cpu_exceeded');
    assert.ok(['heap_exceeded', 'cpu_exceeded'].includes(await end({ fill: 1 })));
    assert.equal(await end({}), 'ok');
});

test('a large source that cannot be compiled ahead ends as it did', async () => {
    for (let i = 0; i < 12; i++) {
        const r = await c.execute({ id: `large-wrong-${i}`, script: `${large('four')} let a = 1; let a = 2;` });
        assert.equal(r.error.line, 902);
    }
});
