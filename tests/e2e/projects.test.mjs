// What submit and run make of files that import others, of folders and of projects with npm packages. The packages are made here.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fresh_folder, root } from './lib/place.mjs';
import { isolane } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

let w;
const data = fresh_folder();
before(async () => { w = await up({}); });
after(async () => { await w?.stop(); });

function project(files) {
    const dir = fresh_folder();
    mkdirSync(dir, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), typeof text === 'string' ? text : JSON.stringify(text));
    }
    return dir;
}

async function run(path, ...options) {
    const r = await isolane(['run', path, '--json', '--data', data, ...options]);
    return r.code === 3 || r.code === 2 ? r : { ...JSON.parse(r.stdout), code: r.code };
}
const value_of = async (path, ...options) => {
    const r = await run(path, ...options);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error ?? r));
    return r.value;
};

/** A CommonJS package, an ES module one with conditions, one that depends on the first, in node_modules. */
const packages = {
    'node_modules/shout/package.json': { name: 'shout', version: '1.0.0', main: './lib' },
    'node_modules/shout/lib/index.js': "'use strict';\nexports.shout = function shout(text) {\n  if (!text) throw new TypeError('nothing to shout');\n  return text.toUpperCase() + (process.env.NODE_ENV === 'production' ? '!' : '?');\n};",
    'node_modules/@scope/esm/package.json': { name: '@scope/esm', version: '2.0.0', type: 'module', exports: { '.': { node: './node.js', worker: './worker.js' }, './more': './more.js' } },
    'node_modules/@scope/esm/worker.js': 'export default "worker"; export { shout } from "shout";',
    'node_modules/@scope/esm/node.js': 'import "node:fs"; export default "node";',
    'node_modules/@scope/esm/more.js': 'export const more = [1, 2];',
};

test('a file brings along what it imports, and nothing else', async () => {
    const dir = project({
        'job.mjs': "import { a } from './lib/a.js';\nimport d from './d.json' with { type: 'json' };\nexport default [a, d, import.meta.url, await import('./unused.mjs').catch((e) => e.code)];",
        'lib/a.ts': "import { b } from '../b.mjs'; export const a: string = b;",
        'b.mjs': "/* import './unused2.mjs' */ export const b = 'b';",
        'd.json': '[7]',
        'not-sent.mjs': 'throw 1',
        'package.json': { type: 'module' },
    });
    assert.deepEqual(await value_of(join(dir, 'job.mjs')), ['b', [7], 'file:///job.mjs', 'ERR_MODULE_NOT_FOUND']);
});

test('a file that imports from above counts from the folder of its package.json', async () => {
    const dir = project({ 'package.json': {}, 'src/deep/job.mjs': "import { up } from '../../up.mjs'; export default [up, import.meta.filename]", 'up.mjs': 'export const up = 1' });
    assert.deepEqual(await value_of(join(dir, 'src/deep/job.mjs')), [1, '/src/deep/job.mjs']);
});

test('a file without imports is sent as it always was; .cjs with require is CommonJS', async () => {
    const dir = project({ 'one.js': 'export default import.meta.url', 'old.cjs': 'var x = 5; x', 'common.cjs': "exports.f = __filename" });
    assert.equal(await value_of(join(dir, 'one.js')), 'file:///one.js');
    assert.equal(await value_of(join(dir, 'old.cjs')), 5);
    assert.deepEqual(await value_of(join(dir, 'common.cjs')), { f: '/common.cjs' });
});

test('a folder: all its files but node_modules, dot files and links; --main', async () => {
    const dir = project({
        'package.json': { main: './a.mjs' },
        'a.mjs': "const there = async (n) => import(n, { with: { type: 'text' } }).then(() => true, (e) => e.code); export default [await there('./x.txt'), await there('./.env'), await there('./node_modules/p/i.js'), await there('./link.txt'), import.meta.filename]",
        'b/c.mjs': 'export default "c"',
        'x.txt': 'x', '.env': 'SECRET=1', 'node_modules/p/i.js': '1',
    });
    symlinkSync('/etc/passwd', join(dir, 'link.txt'));
    const none = 'ERR_MODULE_NOT_FOUND';
    assert.deepEqual(await value_of(dir), [true, none, none, none, '/a.mjs']);
    assert.deepEqual(await value_of(join(dir, 'package.json')), [true, none, none, none, '/a.mjs']);
    assert.equal(await value_of(dir, '--main', 'b/c.mjs'), 'c');
    const wrong = await run(dir, '--main', 'gone.mjs');
    assert.match(wrong.stderr, /--main: found 'gone\.mjs'; allowed: the path of a file in/);
});

test('npm packages are bundled: CommonJS, ES modules, conditions, scopes; stacks show the originals', async () => {
    const dir = project({
        ...packages,
        'package.json': { dependencies: { shout: '1', '@scope/esm': '2' }, main: 'src/job.ts' },
        'src/job.ts': "import { shout } from 'shout';\nimport kind, { shout as again } from '@scope/esm';\nimport { more } from '@scope/esm/more';\n\nexport default (input: string | null) => [shout(input ?? ''), kind, again === shout, more];\n",
    });
    assert.deepEqual(await value_of(dir, '--input', '"hey"'), ['HEY!', 'worker', true, [1, 2]]);
    const r = await run(dir);
    assert.deepEqual([r.error.name, r.error.line, r.error.column], ['TypeError', 3, 20]);
    assert.match(r.error.stack, /at \S+ \(node_modules\/shout\/lib\/index\.js:3:20\)\n {4}at \S+ \(src\/job\.ts:5:\d+\)/);
    // The same project, from the file, and through the queue.
    assert.deepEqual((await value_of(join(dir, 'src/job.ts'), '--input', '"x"'))[0], 'X!');
    const sent = await isolane(['submit', dir, '--input', '"hey"', '--wait=20', '--json', '--nats', w.url]);
    assert.deepEqual(JSON.parse(sent.stdout).value?.[0] ?? sent, 'HEY!');
});

test('TypeScript in a folder of the project: stacks name it once', async () => {
    const dir = project({ 'package.json': {}, 'src/job.ts': "import { f } from './deep/lib.js';\nexport default () => f(null as any);", 'src/deep/lib.ts': 'interface X { y: number }\n\nexport const f = (x: X) => x.y;' });
    const r = await run(dir, '--main', 'src/job.ts');
    assert.match(r.error.stack, /at f \(src\/deep\/lib\.ts:3:\d+\)\n.*\(src\/job\.ts:2:\d+\)/);
    assert.deepEqual(r.error.line, 3);
});

test('--no-bundle sends the files alone, and the cell says what is missing', async () => {
    const dir = project({ ...packages, 'package.json': { dependencies: { shout: '1' } }, 'index.mjs': "import 'shout'" });
    const r = await run(dir, '--no-bundle');
    assert.match(r.error.message, /^Cannot find package 'shout' imported from index\.mjs/);
});

test('what esbuild cannot bundle is told in its words', async () => {
    const dir = project({ ...packages, 'package.json': { dependencies: { shout: '1', gone: '1' } }, 'index.mjs': "import 'shout';\nimport 'gone'" });
    const r = await run(dir);
    assert.equal(r.code, 2);
    assert.match(r.stderr, /^isolane: .*esbuild cannot bundle .*: index\.mjs:2:7: Could not resolve "gone"\n$/);
    const both = await run(project({ ...packages, 'package.json': {}, 'index.mjs': "import 'shout';\nimport 'node:fs'; import 'gone'" }));
    assert.match(both.stderr, /: index\.mjs:2:7: Could not resolve "node:fs": a module of Node\.js, which jobs do not have; index\.mjs:2:25: Could not resolve "gone"\n$/);
});

test('a folder whose package.json lists no dependencies is bundled where the file that runs imports a package', async () => {
    const files = { ...packages, 'package.json': { devDependencies: { shout: '1' } }, 'other.mjs': "import 'shout'; export default import.meta.url" };
    assert.equal(await value_of(project({ ...files, 'index.mjs': "import { up } from './lib/up.mjs'; export default up('a')", 'lib/up.mjs': "import { shout } from 'shout'; export const up = shout" })), 'A!');
    assert.equal(await value_of(project({ ...files, 'index.mjs': 'export default import.meta.url' })), 'file:///index.mjs');
});

test('tsconfig.json: JSX and decorators go with the job, paths are followed by a bundle', async () => {
    const source = `const make = (tag: string, props: unknown, ...children: unknown[]) => [tag, ...children], All = 'all';
const seen: unknown[] = [];
function field(_: object, key: string) { seen.push(key); }
class Job { @field size = 1; }
export default [seen, <><b>text</b></>, new Job().size];\n`;
    const tsconfig = '// as tsc reads it\n{ "compilerOptions": { "jsx": "react", "jsxFactory": "make", "jsxFragmentFactory": "All", "experimentalDecorators": true, } }';
    const dir = project({ 'package.json': { main: 'src/job.tsx' }, 'tsconfig.json': tsconfig, 'src/job.tsx': source });
    for (const path of [dir, join(dir, 'src/job.tsx')]) assert.deepEqual(await value_of(path), [['size'], ['all', ['b', 'text']], 1], path);
    const mapped = project({ 'package.json': {}, 'tsconfig.json': { compilerOptions: { paths: { '@lib/*': ['./src/*'] } } }, 'index.ts': "import { a } from '@lib/a.ts'; export default a as number;", 'src/a.ts': 'export const a: number = 7;' });
    for (const path of [mapped, join(mapped, 'index.ts')]) assert.equal(await value_of(path), 7, path);
    const broken = await run(project({ 'tsconfig.json': '{"compilerOptions": yes}', 'index.ts': '', 'package.json': {} }));
    assert.deepEqual([broken.code, broken.stderr.replace(/.*\//, '')], [2, 'tsconfig.json: not valid JSON: line 1, column 23: invalid token near \'yes\'\n']);
});

test('--check of a folder checks it', async () => {
    const dir = project({ 'package.json': { main: 'src/a.ts' }, 'src/a.ts': 'export default 1 as number;\nconst n: number = "one";' });
    assert.equal((await run(dir, '--check')).error?.message, "src/a.ts:2:7 TS2322: Type 'string' is not assignable to type 'number'.");
    assert.equal(await value_of(dir), 1);
    writeFileSync(join(dir, 'src/a.ts'), 'function d(_: object, __: string, ___: number) {}\nexport class A { m(@d n: number) { return n; } }\nexport default 2;');
    assert.match((await isolane(['check', '.'], { cwd: dir })).stdout, /^src\/a\.ts:2:20 TS1206: /);
    writeFileSync(join(dir, 'tsconfig.json'), '{"compilerOptions": {"experimentalDecorators": true}}');
    assert.deepEqual([(await isolane(['check', '.'], { cwd: dir })).stdout, await value_of(dir, '--check')], ['', 2]);
});

test('a folder that nothing says the start of, and one without files', async () => {
    assert.match((await isolane(['submit', project({ 'a.mjs': '', 'b.mjs': '' }), '--nats', w.url])).stderr, /nothing says which file runs: give --main FILE/);
    assert.match((await isolane(['submit', project({}), '--nats', w.url])).stderr, /has no files/);
    const long = project({ ['x'.repeat(130) + '/' + 'y'.repeat(130)]: '' });
    assert.match((await isolane(['submit', long, '--nats', w.url])).stderr, /a job's file cannot have this name/);
});

test('the examples of several files', async () => {
    const report = await run(join(root, 'examples/report'));
    assert.deepEqual(report.value, { total: 175, main: true, file: '/job.js' });
    assert.equal(report.stdout, 'Order\n3 × apple: 1.20 €\n1 × pear: 0.55 €\nTotal: 1.75 €\n\n');
    assert.deepEqual(await value_of(join(root, 'examples/npm')), { lines: 2, segments: 3 });
});
