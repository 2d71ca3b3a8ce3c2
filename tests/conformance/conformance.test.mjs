// The conformance set: every file here is a job that shows one behaviour, run in a fresh cell of one worker and held
// against what its header expects. README.md tells the form of a file.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { Client, open_envelope } from '../e2e/lib/client.mjs';
import { up } from '../e2e/lib/worker.mjs';
import { case_of, differs } from './case.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const OWN = new Set(['conformance.test.mjs', 'case.mjs', 'README.md']);
const LIMITS = { cpu_ms: 20_000, wall_ms: 60_000 };

/** Files, and folders with a main.*: one case each. */
function cases(dir = here) {
    const out = [];
    for (const e of readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = join(dir, e.name);
        if (dir === here && OWN.has(e.name)) continue;
        const main = e.isDirectory() && readdirSync(path).find((n) => n.startsWith('main.'));
        if (main) out.push(case_of(relative(here, path), path, main));
        else if (e.isDirectory()) out.push(...cases(path));
        else out.push(case_of(relative(here, path), dir, e.name, readFileSync(path, 'utf8')));
    }
    return out;
}

const all = cases();
let w, c;
const results = new Map();
before(async () => {
    w = await up({ config: { max_running: 8, pool: 4, tenants: [{ name: 'default', permissions: { eval: true, wasm: true, sab: true, kv: true, emit: true, artifacts: true } }] } });
    c = await Client.connect(w.url);
    const sub = c.nc.subscribe('isolane.results.default.>');
    const done = (async () => {
        for await (const m of sub) {
            const r = open_envelope(m.json());
            results.set(r.id, r);
            if (all.every((one) => results.has(one.id))) return;
        }
    })();
    for (const one of all) await c.publish({ id: one.id, ...one.job, limits: { ...LIMITS, ...one.job.limits } });
    await done;
});
after(async () => {
    await c?.close();
    await w?.stop();
});

for (const one of all)
    test(`${one.name}: ${one.behaviour}`, () => assert.equal(differs(one, results.get(one.id)), null));

test('every global that the language does not have itself is covered', async () => {
    const r = await c.execute({ script: 'export default Object.getOwnPropertyNames(globalThis)' });
    const language = new Set(runInNewContext('Object.getOwnPropertyNames(globalThis)'));
    language.delete('console');
    language.delete('WebAssembly');
    const covered = new Set(all.flatMap((one) => one.covers));
    assert.deepEqual(r.value.filter((name) => !language.has(name) && !covered.has(name)), []);
    const types = readFileSync(join(here, '../../sandbox/toolchain/ambient.d.ts'), 'utf8');
    const declared = [...types.matchAll(/^declare (?:var|const|let|function|class) (\w+)/gm)].map(([, name]) => name);
    assert.ok(declared.length > 20);
    assert.deepEqual(declared.filter((name) => !covered.has(name)), [], 'declared in ambient.d.ts');
});

test('what a header says it covers is used; there are many files, and each tells its spec', () => {
    assert.ok(all.length >= 150, `${all.length} files`);
    assert.equal(new Set(all.map((one) => one.behaviour)).size, all.length, 'each behaviour once');
    for (const one of all)
        for (const name of one.covers) assert.match(one.code, new RegExp(`\\b${name}\\b`), `${one.name} does not use ${name}`);
});

test('a file that shows something else fails: another value, none, another error, no end', () => {
    const ok = { outcome: 'ok', value: 1, stdout: 'x\n', stderr: '', error: null };
    const threw = { outcome: 'threw', value: null, stdout: '', stderr: '', error: { name: 'TypeError', message: 'no', line: 2, column: 3 } };
    const expect = (text) => ({ ...case_of('x', here, 'x.mjs', `// Behaviour: b\n// Spec: s\n// Expect: ${text}\n1;\n`), raw: true });
    assert.equal(differs(expect('value 1'), ok), null);
    assert.equal(differs(expect('error TypeError /^no$/ 2:3'), threw), null);
    for (const [text, r] of [['value 2', ok], ['value "1"', ok], ['value none', ok], ['value 1', threw], ['stdout "y\\n"', ok], ['error TypeError /^no$/', ok], ['error RangeError /no/', threw],
        ['error TypeError /yes/', threw], ['error TypeError /no/ 2:4', threw], ['outcome cpu_exceeded', threw], ['value 1', undefined], ['value 1', { ...ok, value: null }]])
        assert.notEqual(differs(expect(text), r), null, text);
    for (const head of ['// Behaviour: b\n// Expect: value 1\n', '// Behaviour: b\n// Spec: s\n', '// Behaviour: b\n// Spec: s\n// Expect: anything\n', '// Behaviour: b\n// Spec: s\n// Expect: value 1\n// Oddly: x\n'])
        assert.throws(() => case_of('x', here, 'x.mjs', `${head}1;\n`), /x: /);
    assert.throws(() => case_of('x', here, 'x.mjs', '// Behaviour: b\n// Spec: s\n// Expect: value 1\nexport default 1;\n'), /nothing but the value/);
});
