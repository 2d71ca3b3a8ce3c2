// ES modules of a job of several files: what is imported how, in which order, and what is said where it fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFiles, runJob } from '../js/shell.mjs';

// (module (import "./env.mjs" "twice" (func (param i32) (result i32))) (func (export "quad") …) (global (export "g") i32 7))
const WASM = Buffer.from(
  '0061736d0100000001060160017f017f021301092e2f656e762e6d6a73057477696365000003020100060601' +
  '7f0041070b070c0204717561640001016703000a0a0108002000100010000b', 'hex');

function valueOf(files, main, ...options) {
  const r = runFiles(files, main, ...options);
  assert.equal(r.end, 'ok', JSON.stringify(r));
  return r.value;
}
function threw(files, main, ...options) {
  const r = runFiles(files, main, ...options);
  assert.equal(r.end, 'threw', JSON.stringify(r));
  return r;
}

test('static imports: relative, from the root, upwards; names, namespaces, re-exports', () => {
  assert.deepEqual(
    valueOf({
      'src/main.mjs': `import d, { a, b as c } from './lib/one.mjs'; import * as two from '/src/two.mjs';
        import { up } from '../up.mjs'; export default [d, a, c, Object.keys(two), two.a, up];`,
      'src/lib/one.mjs': 'export const a = 1, b = 2; export default 3;',
      'src/two.mjs': "export * from './lib/one.mjs'; export { default as three } from './lib/one.mjs';",
      'up.mjs': 'export const up = "up";',
    }, 'src/main.mjs'),
    [3, 1, 2, ['a', 'b', 'three'], 1, 'up'],
  );
});

test('order of evaluation, cycles and live bindings', () => {
  const r = runFiles({
    'main.mjs': "import { n, add } from './a.mjs'; import './b.mjs'; console.log('main', n); add(); export default n;",
    'a.mjs': "import { late } from './b.mjs'; console.log('a'); export let n = 1; export function add() { n += late(); }",
    'b.mjs': "import { n } from './a.mjs'; console.log('b'); export const late = () => n + 1;",
  }, 'main.mjs');
  assert.equal(r.stdout, 'b\na\nmain 1\n');
  assert.equal(r.value, 3);
});

test('a module is evaluated once, however it is reached; a query makes another', () => {
  assert.deepEqual(
    valueOf({
      'main.mjs': `globalThis.count = 0; const [a, b, c, d] = await Promise.all([import('./x.mjs'), import('/x.mjs'),
        import('file:///x.mjs'), import('./x.mjs?1')]); export default [a === b, a === c, a === d, count, d.url, a.url];`,
      'x.mjs': 'globalThis.count++; export const { url } = import.meta;',
    }, 'main.mjs'),
    [true, true, false, 2, 'file:///x.mjs?1', 'file:///x.mjs'],
  );
});

test('top-level await in what is imported, statically and dynamically', () => {
  const r = runFiles({
    'main.mjs': "import { v } from './slow.mjs'; console.log('main'); export default [v, (await import('./slower.mjs')).default];",
    'slow.mjs': "console.log('slow'); export const v = await new Promise((r) => setTimeout(r, 5, 'waited'));",
    'slower.mjs': 'await new Promise((r) => setTimeout(r, 5)); export default 9;',
  }, 'main.mjs');
  assert.deepEqual(r.value, ['waited', 9]);
  assert.equal(r.stdout, 'slow\nmain\n');
});

test('a dynamic import that nobody waits for is part of the job', () => {
  const r = runFiles({ 'main.mjs': "import('./b.mjs'); export default 1", 'b.mjs': 'await null; console.log("b")' }, 'main.mjs');
  assert.deepEqual([r.value, r.stdout], [1, 'b\n']);
});

test('import.meta', () => {
  const seen = 'export default { ...import.meta, resolve: ["./c.mjs", "dep", "data:,x"].map((s) => { try { return import.meta.resolve(s) } catch (e) { return e.code } }) };';
  const files = { 'src/a b.mjs': `import other from './c.mjs'; import.meta.own = 1; ${seen.replace('{ ...', '[other, { ...')}`.replace('};', '}];'), 'src/c.mjs': seen };
  assert.deepEqual(valueOf(files, 'src/a b.mjs'), [
    { dirname: '/src', filename: '/src/c.mjs', url: 'file:///src/c.mjs', main: false, resolve: ['file:///src/c.mjs', 'ERR_MODULE_NOT_FOUND', 'data:,x'] },
    { dirname: '/src', filename: '/src/a b.mjs', url: 'file:///src/a%20b.mjs', main: true, own: 1, resolve: ['file:///src/c.mjs', 'ERR_MODULE_NOT_FOUND', 'data:,x'] },
  ]);
});

test('JSON, text and bytes by import attribute', () => {
  assert.deepEqual(
    valueOf({
      'main.mjs': `import j from './d.json' with { type: 'json' }; import t from './d.json' with { type: 'text' };
        import b from './b.bin' with { type: 'bytes' }; import same from './d.json' with { type: 'json' };
        const dynamic = await import('./d.json', { with: { type: 'json' } });
        export default [j, t, b instanceof Uint8Array, [...b], j === same, dynamic.default === j, Object.keys(dynamic)];`,
      'd.json': '{"a": [1]}',
      'b.bin': Buffer.from([0, 255, 7]),
    }, 'main.mjs'),
    [{ a: [1] }, '{"a": [1]}', true, [0, 255, 7], true, true, ['default']],
  );
});

test('WebAssembly: exports and imports as of any module, its source with `import source`', () => {
  const files = {
    'main.mjs': `import { quad, g } from './q.wasm'; import source m from './q.wasm'; import * as all from './q.wasm';
      const again = await import.source('./q.wasm'); const module = await import('./q.wasm');
      export default [quad(3), g, m instanceof WebAssembly.Module, again === m, Object.keys(all), module === all];`,
    'env.mjs': 'export const twice = (n) => 2 * n;',
    'q.wasm': WASM,
  };
  assert.deepEqual(valueOf(files, 'main.mjs', '--allow-wasm'), [12, 7, true, true, ['g', 'quad'], true]);
  const r = threw(files, 'main.mjs');
  assert.match(`${r.name}: ${r.message}`, /^CompileError: .*WebAssembly is not allowed for this job/);
});

test('a WebAssembly module that lacks an import, or is none', () => {
  assert.match(threw({ 'main.mjs': "import './q.wasm'", 'q.wasm': WASM }, 'main.mjs', '--allow-wasm').message,
    /^Cannot find module '\.\/env\.mjs' imported from q\.wasm/);
  assert.equal(threw({ 'main.mjs': "import './q.wasm'", 'env.mjs': '', 'q.wasm': WASM }, 'main.mjs', '--allow-wasm').name, 'LinkError');
  assert.equal(threw({ 'main.mjs': "import './q.wasm'", 'q.wasm': 'no' }, 'main.mjs', '--allow-wasm').name, 'CompileError');
});

test('data: URLs', () => {
  assert.deepEqual(
    valueOf({ 'main.mjs': `import a from 'data:text/javascript,export default 1'; import b from 'data:text/javascript;base64,ZXhwb3J0IGRlZmF1bHQgMg==';
      import c from 'data:application/json,[3]' with { type: 'json' }; const d = await import('data:text/javascript;charset=utf-8,export default "%C3%BC"');
      export default [a, b, c, d.default];` }, 'main.mjs', '--allow-eval'),
    [1, 2, [3], 'ü'],
  );
  const r = threw({ 'main.mjs': "await import('data:text/javascript,1')" }, 'main.mjs');
  assert.match(`${r.name}: ${r.message}`, /^EvalError: import\(\) of a data: URL with code is not allowed for this job/);
  assert.equal(valueOf({ 'main.mjs': "export default (await import('data:application/json,2', { with: { type: 'json' } })).default" }, 'main.mjs'), 2);
  for (const [url, words] of [
    ['data:text/css,a', /^Unknown type 'text\/css' of a data: URL/],
    ['data:text/javascript', /^Invalid data: URL/],
    ["data:text/javascript,import './x.mjs'", /^Invalid module '\.\/x\.mjs' imported from data:/],
    ["data:text/javascript,import 'x'", /^Invalid module 'x' imported from data:.*a data: URL can only import complete URLs/],
  ])
    assert.match(threw({ 'main.mjs': `await import(${JSON.stringify(url)})` }, 'main.mjs', '--allow-eval').message, words);
});

test('a job of one file: data: URLs and itself can be imported, other files not', () => {
  const r = runJob("import m from 'data:text/javascript,export default 5'; export const y = 2; export default async () => [m, (await import(import.meta.url)).y];", '--name', 'job.mjs');
  assert.deepEqual(r.value, [5, 2]);
  const lost = runJob('\n  import x from "./other.mjs";', '--name', 'job.mjs');
  assert.match(lost.message, /^Cannot find module '\.\/other\.mjs' imported from job\.mjs: a job in "script" is one file/);
  assert.deepEqual([lost.line, lost.column], [2, 17]);
  assert.match(lost.stack, /\n {4}at job\.mjs:2:17 \{/);
  assert.equal(runJob('import("./o.mjs").catch((e) => e.code)', '--script').value, 'ERR_MODULE_NOT_FOUND');
  assert.deepEqual(runJob('import("data:text/javascript,export default 6").then((m) => m.default)', '--script', '--allow-eval').value, 6);
});

test('import() finds its file in what is evaluated and in functions made from text', () => {
  assert.deepEqual(
    valueOf({
      'deep/main.mjs': "export default [(await eval('import(\"./x.mjs\")')).x, (await new Function('return import(\"./x.mjs\")')()).x];",
      'deep/x.mjs': 'export const x = 1',
    }, 'deep/main.mjs', '--allow-eval'),
    [1, 1],
  );
});

test('what cannot be resolved names the specifier and who wanted it', () => {
  const of = (text, more = {}) => threw({ 'src/main.mjs': text, ...more }, 'src/main.mjs');
  const cases = [
    ["import './no.mjs'", {}, "Cannot find module './no.mjs' imported from src/main.mjs", 'ERR_MODULE_NOT_FOUND'],
    ["import './x'", { 'src/x.mjs': '' }, "Cannot find module './x' imported from src/main.mjs: did you mean '/src/x.mjs'?"],
    ["import './lib'", { 'src/lib/index.js': '' }, "Cannot find module './lib' imported from src/main.mjs: did you mean '/src/lib/index.js'?"],
    ["import 'left-pad'", {}, "Cannot find package 'left-pad' imported from src/main.mjs: the job's files have no folder node_modules"],
    ["import 'node:fs'", {}, "'node:fs', imported from src/main.mjs, is a built-in module of Node.js"],
    ["import 'fs/promises'", {}, "'fs/promises', imported from src/main.mjs, is a built-in module of Node.js"],
    ["import 'https://x.org/a.js'", {}, "Cannot import 'https://x.org/a.js' from src/main.mjs: only the job's own files"],
    ["import '#x'", {}, "Package import '#x' is not defined in package.json"],
    ["import './a%2fb.mjs'", {}, "Invalid module './a%2fb.mjs' imported from src/main.mjs"],
    ["import './d.json'", { 'src/d.json': '1' }, `Module 'src/d.json' needs an import attribute of "type: json"`],
    ["import './d.txt'", { 'src/d.txt': '1' }, "Unknown file extension: 'src/d.txt' can be imported with { type: 'text' }"],
    ["import './x.mjs' with { type: 'json' }", { 'src/x.mjs': '' }, `Module 'src/x.mjs' is not of type "json"`],
    ["import './x.mjs' with { type: 'css' }", { 'src/x.mjs': '' }, 'Import attribute "type" with value "css" is not supported'],
    ["import './x.mjs' with { as: 'x' }", { 'src/x.mjs': '' }, 'Import attribute "as" is not supported'],
    ["import source s from './x.mjs'", { 'src/x.mjs': '' }, "Source phase import of 'src/x.mjs': only WebAssembly"],
  ];
  for (const [text, more, words] of cases) {
    const r = of(`\n ${text}`, more);
    assert.ok(r.message.startsWith(words), `${text}: ${r.message}`);
    assert.equal(r.line, 2, text);
    assert.match(r.stack, /\n {4}at src\/main\.mjs:2:\d+ \{/, text);
    assert.ok(of(`try { await import(${/'[^']*'/.exec(text)[0]}${/with (\{.*\})/.test(text) ? `, { with: ${/with (\{.*\})/.exec(text)[1]} }` : ''}) } catch (e) { throw e }`.replace('import(', text.includes('source') ? 'import.source(' : 'import('), more).message.startsWith(words), text);
  }
  assert.match(of("import './d.json' with { type: 'json' }", { 'src/d.json': '{"a" 1}' }).message, /^src\/d\.json: .*JSON/);
});

test('a failure deep in the graph has the place of the import that failed', () => {
  const r = threw({ 'main.mjs': "import './a.mjs'", 'a.mjs': "// a\n// b\nimport './gone.mjs'" }, 'main.mjs');
  assert.match(r.message, /imported from a\.mjs/);
  assert.deepEqual([r.line, r.column], [3, 8]);
  assert.match(r.stack, /\n {4}at a\.mjs:3:8 \{/);
});

test('syntax errors and missing exports of an imported file: its name, line, column and text', () => {
  const files = { 'main.mjs': "import './a.mjs'", 'a.mjs': 'const ok = 1;\nlet x = = 2;' };
  for (const main of ["import './a.mjs'", "await import('./a.mjs')", "try { await import('./a.mjs') } catch (e) { await null; throw e }"]) {
    const r = threw({ ...files, 'main.mjs': main }, 'main.mjs');
    assert.equal(r.name, 'SyntaxError');
    assert.deepEqual([r.line, r.column], [2, 9]);
    assert.ok(r.stack.startsWith('a.mjs:2\nlet x = = 2;\n        ^\nSyntaxError: '), r.stack);
  }
  const r = threw({ 'main.mjs': "import { y } from './b.mjs'", 'b.mjs': 'export const x = 1' }, 'main.mjs');
  assert.match(r.message, /'\.\/b\.mjs' does not provide an export named 'y'/);
  assert.deepEqual([r.line, r.column], [1, 10]);
});

test('what an imported file throws has its place, and is thrown again by a second import', () => {
  const r = threw({ 'main.mjs': "import './a.mjs'", 'a.mjs': "\n  throw new RangeError('no')" }, 'main.mjs');
  assert.deepEqual([r.name, r.line, r.column], ['RangeError', 2, 9]);
  assert.match(r.stack, /at a\.mjs:2:9/);
  assert.equal(valueOf({
    'main.mjs': "const seen = []; for (let i = 0; i < 2; i++) await import('./a.mjs').catch((e) => seen.push(e)); export default seen[0] === seen[1] && seen[0].message",
    'a.mjs': "throw new Error('once')",
  }, 'main.mjs'), 'once');
});

test('an await in an imported file that never ends', () => {
  const r = threw({ 'main.mjs': "import './a.mjs'", 'a.mjs': '\nawait new Promise(() => {})' }, 'main.mjs');
  assert.match(r.message, /never settled/);
  assert.deepEqual([r.line, r.column], [2, 1]);
  assert.match(r.stack, /at a\.mjs:2:1/);
});

test('a graph that failed is loaded when it is asked for again', () => {
  assert.deepEqual(valueOf({
    'main.mjs': "const f = () => import('./a.mjs').then(() => 1, (e) => e.code); export default [await f(), await f(), (await import('./c.mjs')).c]",
    'a.mjs': "import './c.mjs'; import './gone.mjs'",
    'c.mjs': "import './d.mjs'; export const c = 3",
    'd.mjs': '',
  }, 'main.mjs'), ['ERR_MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 3]);
});

test('imports that go very deep end well or in a RangeError', () => {
  const files = { 'main.mjs': "import { v } from './f0.mjs'; export default v" };
  for (let i = 0; i < 1500; i++) files[`f${i}.mjs`] = i === 1499 ? 'export const v = 1' : `export { v } from './f${i + 1}.mjs'`;
  const r = runFiles(files, 'main.mjs');
  assert.ok(r.end === 'ok' ? r.value === 1 : r.name === 'RangeError', JSON.stringify(r));
});

test('packages: exports with conditions, patterns and null, imports, self-reference, main', () => {
  assert.deepEqual(valueOf({
    'package.json': '{"name": "self", "type": "module", "exports": {"./own": "./own.js"}, "imports": {"#in/*": "./inner/*.js", "#dep": "dep"}}',
    'main.js': `import dep, { sub } from 'dep'; import f from 'dep/features/one'; import { own } from 'self/own'; import { i } from '#in/x';
      import again from '#dep'; import old from 'old'; import scoped from '@s/p/deep.mjs';
      const refused = await Promise.all(['dep/private/x', 'dep/lib/index.js', 'dep/nothing'].map((s) => import(s).catch((e) => e.code)));
      export default [dep, sub, f, own, i, again === dep, old, scoped, refused];`,
    'own.js': 'export const own = "own"',
    'inner/x.js': 'export const i = "inner"',
    'node_modules/dep/package.json': `{"type": "module", "exports": {".": {"node": "./node.js", "require": "./cjs.cjs", "worker": {"import": "./lib/index.js"}, "default": "./no.js"},
      "./features/*": ["./features/*.js"], "./private/*": null}}`,
    'node_modules/dep/lib/index.js': 'export default "worker"; export { sub } from "../sub.js"',
    'node_modules/dep/sub.js': 'import up from "up"; export const sub = up;',
    'node_modules/dep/features/one.js': 'export default "one"',
    'node_modules/dep/node_modules/up/index.mjs': 'export default "nested"',
    'node_modules/dep/node_modules/up/package.json': '{"main": "./index.mjs"}',
    'node_modules/old/package.json': '{"main": "lib", "type": "module"}',
    'node_modules/old/lib/index.js': 'export default "old"',
    'node_modules/@s/p/deep.mjs': 'export default "scoped"',
  }, 'main.js'),
  ['worker', 'nested', 'one', 'own', 'inner', true, 'old', 'scoped',
    ['ERR_PACKAGE_PATH_NOT_EXPORTED', 'ERR_PACKAGE_PATH_NOT_EXPORTED', 'ERR_PACKAGE_PATH_NOT_EXPORTED']]);
});

test('a broken package.json, and targets outside of the package, are errors that name it', () => {
  const of = (json) => threw({ 'main.mjs': "import 'p'", 'node_modules/p/package.json': json, 'node_modules/p/a.js': '' }, 'main.mjs').message;
  assert.match(of('{'), /^Invalid package config 'node_modules\/p\/package\.json': /);
  assert.match(of('[]'), /^Invalid package config 'node_modules\/p\/package\.json': no object/);
  assert.match(of('{"exports": "../../main.mjs"}'), /^Invalid target '\.\.\/\.\.\/main\.mjs' in node_modules\/p\/package\.json/);
  assert.match(of('{"exports": "./../../main.mjs"}'), /^Invalid target/);
  assert.match(of('{"exports": "./gone.js"}'), /^Cannot find module 'p' imported from main\.mjs/);
});

test('a script that replaces what the language has cannot mislead resolution', () => {
  assert.deepEqual(valueOf({
    'main.mjs': `const poison = () => { throw 'poisoned' }, prototypes = [Array.prototype, String.prototype, Map.prototype, RegExp.prototype, Object.prototype];
      for (let i = 0; i < prototypes.length; i++)
        for (let p = prototypes[i], keys = Reflect.ownKeys(p), k = 0; k < keys.length; k++)
          if (keys[k] !== 'constructor' && typeof Reflect.getOwnPropertyDescriptor(p, keys[k]).value === 'function') p[keys[k]] = poison;
      Object.defineProperty(Object.prototype, 'exports', { value: './evil.js', configurable: true });
      Object.defineProperty(Array.prototype, 0, { set() { throw 1 }, configurable: true });
      globalThis.decodeURIComponent = globalThis.Error = null;
      const a = await import('./a%20b.mjs?x'); const p = await import('p'); const d = await import('data:application/json,1', { with: { type: 'json' } });
      export default { a: a.default, p: p.default, d: d.default };`,
    'a b.mjs': "import './c.mjs'; export default 'a'",
    'c.mjs': '',
    'node_modules/p/package.json': '{"main": "x.mjs"}',
    'node_modules/p/x.mjs': 'export default "p"',
  }, 'main.mjs'), { a: 'a', p: 'p', d: 1 });
});

test('TypeScript names: ./x.js stands for x.ts, which has come as JavaScript', () => {
  assert.deepEqual(valueOf({
    'main.ts': "import { a } from './a.js'; import { b } from './b.ts'; import { c } from './c.mjs'; export default [a, b, c]",
    'a.ts': 'export const a = 1', 'b.ts': 'export const b = 2', 'c.mts': 'export const c = 3',
  }, 'main.ts'), [1, 2, 3]);
});
