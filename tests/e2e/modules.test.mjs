// Jobs of several files, from the message to the signed result.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { up } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up({ config: { tenants: [{ name: 'default' }, { name: 'wasm', permissions: { wasm: true } }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const sha256 = (data) => createHash('sha256').update(data).digest('hex');

/** docs/protocol.md: what sha256sum prints for the files, behind a line with main. */
const hash_of = (main, files) => sha256(`main  ${main}\n${Object.keys(files).sort().map((path) => {
    const { base64 } = files[path];
    return `${sha256(base64 === undefined ? files[path] : Buffer.from(base64, 'base64'))}  ${path}\n`;
}).join('')}`);

test('modules, CommonJS, JSON, bytes and WebAssembly in one job', async () => {
    const files = {
        'src/job.mjs': `import { twice } from './lib.mjs'; import old from '../old.cjs'; import data from '../data.json' with { type: 'json' };
            import bytes from '../raw.bin' with { type: 'bytes' }; import { add } from '../add.wasm';
            export default (input) => [twice(input), old, data, [...bytes], add(1, 2)]`,
        'src/lib.mjs': 'export const twice = (n) => 2 * n',
        'old.cjs': "module.exports = require('./old.json').old",
        'old.json': '{"old": "yes"}',
        'data.json': '[1]',
        'raw.bin': { base64: 'AP8=' },
        'add.wasm': { base64: Buffer.from('0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b', 'hex').toString('base64') },
    };
    const r = await c.execute({ main: 'src/job.mjs', files, input: 21 }, { tenant: 'wasm' });
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    assert.deepEqual(r.value, [42, 'yes', [1], [0, 255], 3]);
    assert.equal(r.script_sha256, hash_of('src/job.mjs', files));
});

test('without main: package.json, index.*, the only file', async () => {
    const values = [];
    for (const files of [
        { 'package.json': '{"exports": "./b.mjs"}', 'b.mjs': 'export default "exports"', 'index.mjs': '' },
        { 'index.js': 'module.exports = "index"', 'other.js': '' },
        { 'deep/only.mjs': 'export default import.meta.filename' },
    ]) values.push((await c.execute({ files })).value);
    assert.deepEqual(values, ['exports', 'index', '/deep/only.mjs']);
});

test('an error in an imported file: its name and place', async () => {
    const r = await c.execute({ main: 'a.mjs', files: { 'a.mjs': "import './lib/b.mjs'", 'lib/b.mjs': '\n\n  null.x' } });
    assert.deepEqual([r.outcome, r.error.name, r.error.line, r.error.column], ['threw', 'TypeError', 3, 8]);
    assert.match(r.error.stack, /at lib\/b\.mjs:3:8/);
});

test('files that cannot be taken are refused with their name', async () => {
    for (const [job, words] of [
        [{ files: { '../x.mjs': '' } }, /^files: found the path '\.\.\/x\.mjs'; allowed: /],
        [{ files: { 'x.mjs': '' }, script: '1' }, /^script: found together with files/],
        [{ files: { 'x.mjs': 5 } }, /^files\["x\.mjs"\]: found 5; allowed: /],
        [{ files: { a: '', b: '' } }, /^main: missing; allowed: /],
    ]) {
        const r = await c.execute(job);
        assert.equal(r.outcome, 'invalid');
        assert.match(r.error.message, words);
    }
});

test('many files and a large one', async () => {
    const files = { 'main.mjs': 'let n = 0; for (let i = 0; i < 1000; i++) n += (await import(`./f/${i}.mjs`)).n; import t from "./large.txt" with { type: "text" }; export default [n, t.length]' };
    for (let i = 0; i < 1000; i++) files[`f/${i}.mjs`] = `export const n = ${i}`;
    files['large.txt'] = 'x'.repeat(500_000);
    const r = await c.execute({ main: 'main.mjs', files, limits: { cpu_ms: 10_000 } });
    assert.deepEqual(r.value, [499500, 500_000], JSON.stringify(r.error));
});

test('a script that is kept still has its files: imports of a later call, and errors of it', async () => {
    const files = {
        'main.mjs': "import { n } from './n.mjs'; let calls = 0; export default async (input) => { calls++; return [calls, n, (await import(input)).default] }",
        'n.mjs': 'export const n = 1', 'a.mjs': 'export default "a"', 'b.cjs': 'module.exports = require("./c.json")', 'c.json': '"c"',
    };
    const seen = [];
    for (const input of ['./a.mjs', './b.cjs', './a.mjs', './gone.mjs']) seen.push(await c.execute({ main: 'main.mjs', files, reuse: 'script', input }));
    assert.deepEqual(seen.slice(0, 3).map((r) => r.value?.slice(1)), [[1, 'a'], [1, 'c'], [1, 'a']], JSON.stringify(seen.map((r) => r.error)));
    assert.ok(seen.some((r) => r.value?.[0] > 1), 'no context was kept');
    assert.match(seen[3].error.message, /^Cannot find module '\.\/gone\.mjs' imported from main\.mjs/);
});
