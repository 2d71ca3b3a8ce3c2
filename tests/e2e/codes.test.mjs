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
/** What the worker says of its caches, with its next heartbeat at the latest. */
async function codes() {
    const r = await isolane(['workers', '--json', '--nats', w.url]);
    assert.equal(r.code, 0, r.stderr);
    const { code_hits: hits, code_misses: misses, code_kb: kb } = JSON.parse(r.stdout.split('\n')[0]);
    return { hits, misses, kb };
}
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
        const now = await codes();
        return now.hits >= 12 ? now : null;
    });
    assert.ok(misses > 0 && kb > 0);
});
