// CommonJS files of a job: require, exports, cycles, and both ways between them and ES modules.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFiles } from '../js/shell.mjs';

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

test('a CommonJS file runs: its value is module.exports, a function is called', () => {
  assert.deepEqual(valueOf({ 'main.cjs': 'exports.a = 1; exports.f = __filename; exports.d = __dirname; exports.t = this === exports' }, 'main.cjs'),
    { a: 1, f: '/main.cjs', d: '/', t: true });
  assert.equal(valueOf({ 'main.cjs': 'module.exports = (input) => input + 1' }, 'main.cjs', '--input', '2'), 3);
  assert.equal(valueOf({ 'main.cjs': 'var x = 1; delete globalThis.x' }, 'main.cjs'), undefined);
  assert.deepEqual(valueOf({ 'main.cjs': 'exports.x = 1; return; exports.y = 2' }, 'main.cjs'), { x: 1 });
});

test('require: files with and without extension, folders, JSON, packages, each once', () => {
  assert.deepEqual(valueOf({
    'src/main.cjs': `const a = require('./a'); exports.list = [a.n, require('./a.js') === a, require('../lib'), require('./d.json').k, require('./d') === require('./d.json'),
      require('dep'), require('dep/more'), require('..').up, require.resolve('./a'), require.main === module, module.id, Object.keys(require.cache)]; module.exports = exports.list;`,
    'src/a.js': 'exports.n = (globalThis.n = (globalThis.n ?? 0) + 1)',
    'src/package.json': '{"type": "commonjs"}',
    'src/d.json': '{"k": [5]}',
    'lib/package.json': '{"main": "./deep"}',
    'lib/deep/index.js': 'module.exports = __dirname',
    'node_modules/dep/package.json': '{"exports": {".": {"import": "./m.mjs", "require": "./c.cjs"}, "./more": "./more.js"}}',
    'node_modules/dep/c.cjs': 'module.exports = "required"',
    'node_modules/dep/more.js': 'module.exports = module.path',
    'index.js': 'exports.up = 1',
  }, 'src/main.cjs'),
  [1, true, '/lib/deep', [5], true, 'required', '/node_modules/dep', 1, '/src/a.js', true, '.',
    ['/src/main.cjs', '/src/a.js', '/lib/deep/index.js', '/node_modules/dep/c.cjs', '/node_modules/dep/more.js', '/index.js']]);
});

test('cycles see what has been exported so far', () => {
  assert.deepEqual(valueOf({
    'main.cjs': "exports.early = 1; const b = require('./b.cjs'); exports.late = 2; module.exports = [b.seen, b.main() === exports]",
    'b.cjs': "const main = require('./main.cjs'); exports.seen = { ...main }; exports.main = () => main",
  }, 'main.cjs'), [{ early: 1 }, true]);
});

test('a file that throws runs again when it is required again', () => {
  assert.deepEqual(valueOf({
    'main.cjs': "const f = () => { try { return require('./x.cjs') } catch (e) { return e.message } }; module.exports = [f(), f()]",
    'x.cjs': "globalThis.n = (globalThis.n ?? 0) + 1; if (n < 2) throw new Error('first'); module.exports = n",
  }, 'main.cjs'), ['first', 2]);
});

test('an ES module imports CommonJS: default, the names its text tells, those of what it re-exports', () => {
  assert.deepEqual(valueOf({
    'main.mjs': `import all, { a, b, c, more } from './x.cjs'; import * as ns from './x.cjs'; import { default as d } from './x.cjs';
      export default [all.a, a, b, c, more, all === d, all === ns['module.exports'], Object.keys(ns).sort()];`,
    'x.cjs': "exports.a = 1; Object.defineProperty(exports, 'b', { enumerable: true, get: function () { return two.b; } }); const two = { b: 2 }; module.exports.c = 3; Object.assign(exports, {}); __exportStar(require('./y.cjs'), exports); function __exportStar(m, e) { for (const k in m) e[k] = m[k] }",
    'y.cjs': 'exports.more = 4',
  }, 'main.mjs'), [1, 1, 2, 3, 4, true, true, ['a', 'b', 'c', 'default', 'module.exports', 'more']]);
});

test('a name that CommonJS does not export', () => {
  const r = threw({ 'main.mjs': "import { nope } from './x.cjs'", 'x.cjs': 'exports.a = 1' }, 'main.mjs');
  assert.match(r.message, /'\.\/x\.cjs' does not provide an export named 'nope'/);
});

test('require of an ES module: its namespace, marked for compiled packages; "module.exports" wins', () => {
  assert.deepEqual(valueOf({
    'main.cjs': `const m = require('./m.mjs'), n = require('./n.mjs'), o = require('./o.mjs');
      module.exports = [m.default, m.x, m.__esModule, require('./m.mjs') === m, n.x, n.__esModule ?? null, o];`,
    'm.mjs': "import './n.mjs'; export default 1; export const x = 2;",
    'n.mjs': 'export const x = 3',
    'o.mjs': "const f = 'whole'; export { f as 'module.exports' }; export default 0",
  }, 'main.cjs'), [1, 2, true, true, 3, null, 'whole']);
});

test('require of an ES module that waits, or in a cycle, says so', () => {
  const waits = threw({ 'main.cjs': "require('./m.mjs')", 'm.mjs': "import './w.mjs'", 'w.mjs': 'await 1' }, 'main.cjs');
  assert.match(waits.message, /^Cannot require\(\) ES module 'm\.mjs', which uses top-level await, from main\.cjs: use import\(\)/);
  const cycle = threw({ 'main.mjs': "import './c.cjs'", 'c.cjs': "require('./main.mjs')" }, 'main.mjs');
  assert.match(cycle.message, /^Cannot require\(\) ES module 'main\.mjs' in a cycle, from c\.cjs/);
  const wide = threw({ 'main.mjs': "import './c.cjs'", 'c.cjs': "require('./y.mjs')", 'y.mjs': "import './c.cjs'" }, 'main.mjs');
  assert.match(wide.message, /in a cycle/);
});

test('import() in CommonJS', () => {
  assert.deepEqual(valueOf({
    'main.cjs': "module.exports = async () => [(await import('./m.mjs')).x, (await import('./c.cjs')).default]",
    'm.mjs': 'export const x = await 1', 'c.cjs': 'module.exports = 2',
  }, 'main.cjs'), [1, 2]);
});

test('what nothing says the kind of is CommonJS when that compiles, else a module', () => {
  const kinds = { 'a.js': 'module.exports = typeof require', 'b.js': 'export default typeof require', 'c.js': 'await 1; globalThis.c = typeof require', 'd.js': 'globalThis.d = import.meta.url', 'noext': 'exports.n = 1' };
  assert.deepEqual(valueOf({ ...kinds, 'main.js': "import a from './a.js'; import b from './b.js'; import './c.js'; import './d.js'; export default [a, b, c, d]" }, 'main.js'),
    ['function', 'undefined', 'undefined', 'file:///d.js']);
  assert.deepEqual(valueOf({ ...kinds, 'main': 'module.exports = require("./noext")' }, 'main'), { n: 1 });
  assert.equal(threw({ 'package.json': '{"type": "commonjs"}', 'main.js': 'export default 1' }, 'main.js').name, 'SyntaxError');
  assert.match(threw({ 'package.json': '{"type": "module"}', 'main.js': 'require("x")' }, 'main.js').message, /require is not defined/);
  const wrong = threw({ 'main.js': 'const a = 1;\nconst b = = 2' }, 'main.js');
  assert.deepEqual([wrong.name, wrong.line, wrong.column], ['SyntaxError', 2, 11]);
});

test('errors: what cannot be found, where it failed, in which file', () => {
  const r = threw({ 'main.cjs': "\nrequire('./a.cjs')", 'a.cjs': "// a\n  require('./gone')" }, 'main.cjs');
  assert.match(r.message, /^Cannot find module '\.\/gone'\nRequire stack:\n- a\.cjs/);
  assert.deepEqual([r.line, r.column], [2, 3]);
  assert.match(r.stack, /at Object\.<anonymous> \(a\.cjs:2:3\)\n.*main\.cjs:2:1/);
  assert.equal(valueOf({ 'main.cjs': "try { require('optional') } catch (e) { module.exports = e.code }" }, 'main.cjs'), 'MODULE_NOT_FOUND');
  assert.match(threw({ 'main.cjs': "require('fs')" }, 'main.cjs').message, /^'fs', imported from main\.cjs, is a built-in module of Node\.js/);
  assert.match(threw({ 'main.cjs': 'require(5)' }, 'main.cjs').message, /^require\(\) needs a string, found number/);
  const syntax = threw({ 'main.cjs': "require('./b.cjs')", 'b.cjs': 'var x = ;' }, 'main.cjs');
  assert.ok(syntax.stack.startsWith('b.cjs:1\nvar x = ;\n        ^\nSyntaxError: '), syntax.stack);
  assert.match(threw({ 'main.cjs': "require('./d.json')", 'd.json': '{' }, 'main.cjs').message, /^d\.json: /);
});

test('a package named as a built-in module of Node.js is taken when it is there', () => {
  assert.equal(valueOf({ 'main.cjs': "module.exports = require('events').own", 'node_modules/events/index.js': 'exports.own = true' }, 'main.cjs'), true);
});

// ---- "browser" in package.json (package-browser-field-spec) ----

const browserPackage = (browser, files, more = {}) =>
  Object.fromEntries([['node_modules/p/package.json', JSON.stringify({ name: 'p', main: './index.js', ...more, browser })], ...Object.entries(files).map(([k, v]) => [`node_modules/p/${k}`, v])]);

test('"browser" as a string takes the place of "main", for require and import', () => {
  const p = browserPackage('lib/web', { 'index.js': 'module.exports = "node"', 'lib/web.js': 'module.exports = "web"' });
  assert.equal(valueOf({ 'main.cjs': "module.exports = require('p')", ...p }, 'main.cjs'), 'web');
  assert.equal(valueOf({ 'main.mjs': "import p from 'p'; export default p", ...p }, 'main.mjs'), 'web');
});

test('"browser" as an object replaces files, with and without extension, also ones that are not there', () => {
  const p = browserPackage({ './index.js': './web.js', './lib/a': './lib/a-web', './lib/gone.js': './lib/here.js', './lib/dir/index.js': 'other' }, {
    'index.js': 'module.exports = "node"',
    'web.js': "module.exports = [require('./lib/a.js'), require('./lib/a'), require('./lib/gone'), require('./lib/dir')]",
    'lib/a.js': 'module.exports = "a"', 'lib/a-web.js': 'module.exports = "a-web"', 'lib/here.js': 'module.exports = "here"', 'lib/dir/index.js': 'module.exports = "dir"',
  });
  const other = { 'node_modules/other/index.js': 'module.exports = "other"' };
  assert.deepEqual(valueOf({ 'main.cjs': "module.exports = require('p')", ...p, ...other }, 'main.cjs'), ['a-web', 'a-web', 'here', 'other']);
  assert.equal(valueOf({ 'main.cjs': "module.exports = require('p/lib/a')", ...p }, 'main.cjs'), 'a-web', 'seen from outside too');
});

test('false is an empty module: a file, a package, a built-in module of Node.js', () => {
  const p = browserPackage({ './node.js': false, fs: false, 'node:os': false, './util.inspect': false, dep: false }, {
    'index.js': `const n = require('./node'); module.exports = [n, require('fs'), require('node:os'), require('./util.inspect'), require('dep'), n === require('fs'), require.resolve('fs'), typeof require.cache]`,
    'node.js': 'throw new Error("Node.js alone")', 'util.inspect.js': 'throw new Error("Node.js alone")',
  });
  assert.deepEqual(valueOf({ 'main.cjs': "module.exports = require('p')", ...p }, 'main.cjs'), [{}, {}, {}, {}, {}, true, 'isolane:empty', 'object']);
  const esm = browserPackage({ './node.js': false, fs: false }, { 'index.js': "import n from './node.js'; import * as fs from 'fs'; import os from 'fs'; export default [n, Object.keys(fs), n === os, (await import('fs')).default === os];", 'node.js': 'throw 1' }, { type: 'module' });
  assert.deepEqual(valueOf({ 'main.mjs': "import p from 'p'; export default p", ...esm }, 'main.mjs'), [{}, ['default'], true, true]);
});

test('a replaced name: by a file, by another package, by itself; only for the package that says so', () => {
  const p = browserPackage({ os: './os.js', dep: 'dep-web', self: 'self' }, {
    'index.js': "module.exports = [require('os'), require('dep'), require('self')]", 'os.js': 'module.exports = "own os"',
  });
  const others = Object.fromEntries(['dep', 'dep-web', 'self'].map((n) => [`node_modules/${n}/index.js`, `module.exports = ${JSON.stringify(n)}`]));
  assert.deepEqual(valueOf({ 'main.cjs': "module.exports = [...require('p'), require('dep')]", ...p, ...others }, 'main.cjs'), ['own os', 'dep-web', 'self', 'dep']);
  const r = threw({ 'main.cjs': "require('p'); require('os')", ...p, ...others }, 'main.cjs');
  assert.match(r.message, /'os', imported from main\.cjs, is a built-in module of Node\.js/);
});

test('"exports" comes before "browser", by its own order of conditions; files inside are replaced all the same', () => {
  const p = browserPackage({ './in.js': './in-web.js', './main.js': './never.js' }, {
    'main.js': 'module.exports = "main"', 'worker.js': "module.exports = ['worker', require('./in')]", 'browser.js': 'module.exports = "browser"',
    'in.js': 'module.exports = "in"', 'in-web.js': 'module.exports = "in-web"',
  }, { exports: { '.': { node: './main.js', worker: './worker.js', browser: './browser.js', default: './main.js' }, './b': { browser: './browser.js', worker: './worker.js' }, './n': { node: './browser.js', default: './main.js' } } });
  assert.deepEqual(valueOf({ 'main.cjs': "module.exports = [require('p'), require('p/b'), require('p/n')]", ...p }, 'main.cjs'), [['worker', 'in-web'], 'browser', 'main']);
});

test('a "browser" that is wrong does no harm or says so', () => {
  const p = browserPackage({ './a.js': 5, './b.js': ['x'], './gone.js': './nowhere.js', __proto__: null, './c.js': null }, { 'index.js': "module.exports = [require('./a'), require('./b'), require('./c')]", 'a.js': 'module.exports = 1', 'b.js': 'module.exports = 2', 'c.js': 'module.exports = 3', 'd.js': "require('./gone')" });
  assert.deepEqual(valueOf({ 'main.cjs': "module.exports = require('p')", ...p }, 'main.cjs'), [1, 2, 3]);
  assert.match(threw({ 'main.cjs': "require('p/d')", ...p }, 'main.cjs').message, /Cannot find module '\.\/nowhere\.js'/);
});
