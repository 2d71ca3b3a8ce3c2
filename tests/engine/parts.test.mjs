// Lazily loaded parts: a snapshot of the built-ins with test parts of our own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fileOf, runJob, shellCommand } from '../js/shell.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
// Below the project, so that the bundler finds its packages.
const folder = mkdtempSync(join(root, 'build/parts-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const snapshot = join(folder, 'snapshot.bin');

const MARK = 'a text of the build';
const probe = `
  import { Error, TypeError, list, push } from '../primordials.js';
  import { DOMException } from './dom_exception.js';
  import { Base } from './lower/index.js';
  if (globalThis.breakProbe) throw new TypeError('told to break');
  if (globalThis.hungry) for (const all = list(); ; ) push(all, { all });
  let kept = 0;
  const marks = ['${MARK}'];
  export const keep = () => ++kept;
  export const reset = () => { kept = 0; };
  export class Probe extends Base {
    get kept() { return kept; }
    fail() { throw new DOMException('no', 'AbortError'); }
    failPlain() { throw new Error('plain'); }
    names() { const all = list(); for (const part of ['b', 'a']) push(all, part); return new Set([1, 2]).size; }
    mark() { return marks[0]; }
  }
  export function probe(x) { return x + 1; }`;
const lower = `
  import { helped } from './helper.js';
  export class Base { helped() { return helped; } }`;

const bundle = (source, out) =>
  spawnSync(process.execPath, [join(root, 'tools/bundle_builtins.mjs'), source, out], { encoding: 'utf8' });
const { command, env } = shellCommand();
const make = (from, out) => spawnSync(command, ['--make-snapshot', from, out], { env, encoding: 'utf8' });

// A copy of the built-ins with these files more.
function copyWith(name, files) {
  const source = join(folder, name);
  cpSync(join(root, 'sandbox/js'), source, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, file)), { recursive: true });
    writeFileSync(join(source, file), text);
  }
  return source;
}

const run = (source, ...options) => runJob(source, '--snapshot', snapshot, ...options);
function valueOf(source, ...options) {
  const result = run(source, ...options);
  assert.equal(result.end, 'ok', JSON.stringify(result));
  return result.value;
}

before(() => {
  const main = readFileSync(join(root, 'sandbox/js/main.js'), 'utf8')
    .replace('import { loadedPart, part,', 'import { load, loadedPart, part,')
    // Something of an earlier job that the part keeps.
    .replace(/^  begin,$/m, `  begin: (...job) => {
      if (job[5]?.includes('keeps')) {
        begin(...job);
        load('probe').keep();
      }
      if (job[5]?.includes('forgets')) begin();
      begin(...job);
    },`);
  assert.match(main, /keeps/);
  const source = copyWith('good', {
    'main.js': main,
    'globals.js': readFileSync(join(root, 'sandbox/js/globals.js'), 'utf8')
      .replace('export const globals = {', `$& probe: { interfaces: ['Probe'], functions: ['probe'] },`),
    'parts/probe.js': probe,
    'parts/lower/index.js': lower,
    'parts/lower/helper.js': `export const helped = 'by a file of its own';`,
  });
  const bundled = bundle(source, join(folder, 'good.js'));
  assert.equal(bundled.status, 0, bundled.stderr);
  const made = make(join(folder, 'good.js'), snapshot);
  assert.equal(made.status, 0, made.stderr);
});

test('a part\'s names are ordinary properties of the global object', () => {
  const value = valueOf(`const d = (n) => { const { value, ...rest } = Object.getOwnPropertyDescriptor(globalThis, n);
      return [typeof value, rest]; };
    const enumerable = Object.keys(globalThis).filter((n) => /probe/i.test(n));
    export default { Probe: d('Probe'), probe: d('probe'), enumerable, name: Probe.name, one: probe(1) }`);
  const flags = { configurable: true, writable: true };
  assert.deepEqual(value, {
    Probe: ['function', { ...flags, enumerable: false }], probe: ['function', { ...flags, enumerable: true }],
    enumerable: ['probe'], name: 'Probe', one: 2,
  });
});

test('they can be replaced, deleted and inherited without a look at them', () => {
  const value = valueOf(`globalThis.breakProbe = true; // nobody may evaluate it
    Probe = 5;
    const deleted = delete globalThis.probe;
    export default [Probe, deleted, typeof probe, 'probe' in globalThis]`);
  assert.deepEqual(value, [5, true, 'undefined', false]);
});

test('nothing is evaluated before the first look; one that failed is evaluated anew', () => {
  const value = valueOf(`globalThis.breakProbe = true;
    const listed = Object.getOwnPropertyNames(globalThis).includes('Probe') && 'Probe' in globalThis;
    const tries = [];
    for (let i = 0; i < 2; i++) try { Probe } catch (e) { tries.push(e instanceof TypeError && e.message + e.stack.includes('isolane:')) }
    delete globalThis.breakProbe;
    export default { listed, tries, now: typeof Probe }`);
  assert.deepEqual(value, { listed: true, tries: ['told to breakfalse', 'told to breakfalse'], now: 'function' });
});

test('a first look at the end of the stack fails as any call does, and works afterwards', () => {
  const value = valueOf(`let caught;
    function deep() { try { deep() } catch { try { new Probe() } catch (e) { caught ??= e.name } throw 0 } }
    try { deep() } catch {}
    export default [caught, new Probe().helped()]`);
  assert.deepEqual(value, ['RangeError', 'by a file of its own']);
});

test('parts share the base\'s classes and each other\'s', () => {
  const value = valueOf(`const p = new Probe(); let e;
    try { p.fail() } catch (thrown) { e = thrown }
    export default [e instanceof DOMException, e.name, p.helped()]`);
  assert.deepEqual(value, [true, 'AbortError', 'by a file of its own']);
});

test('stacks do not show a part\'s frames', () => {
  const { stack } = run('function mine() { new Probe().failPlain() }\nmine()');
  assert.match(stack, /^Error: plain\n    at mine \(.*:1:/);
  assert.doesNotMatch(stack, /isolane:/);
});

test('a script that has replaced the language\'s globals does not reach a part', () => {
  const value = valueOf(`const seen = [];
    const trap = (name) => function () { seen.push(name); throw name };
    for (const name of ['Error', 'TypeError', 'Set', 'Map', 'Promise'])
      Object.defineProperty(globalThis, name, { get: trap(name) });
    const keys = ['then', 'reset', 'shared', 'load', 'get', 'set', 'value'];
    for (const key of keys)
      Object.defineProperty(Object.prototype, key, { __proto__: null, get: trap(key), set: trap(key), configurable: true });
    Object.defineProperty = Object.create = Object.assign = Reflect.apply = trap('static');
    Function.prototype.call = Function.prototype.apply = Function.prototype.bind = trap('call');
    const p = new Probe();
    let e; try { p.failPlain() } catch (thrown) { e = thrown.message }
    for (const key of keys) delete Object.prototype[key];
    export default [p.helped(), e, p.mark(), seen.join()]`);
  assert.deepEqual(value, ['by a file of its own', 'plain', MARK, '']);
});

test('what a part takes counts against the job\'s heap', () => {
  const { end } = run('globalThis.hungry = true; Probe', '--heap-mb', '32');
  assert.equal(end, 'heap');
});

test('a part forgets a job when the next begins', () => {
  assert.equal(valueOf('export default new Probe().kept', '--env', '{"keeps":"1"}'), 0);
});

test('a part forgets a job when it is told to, before the next is there', () => {
  assert.equal(valueOf('export default new Probe().kept', '--env', '{"keeps":"1","forgets":"1"}'), 0);
});

test('the code that the build made is used, and another set of flags compiles the text', () => {
  const other = MARK.replace('text', 'TEXT');
  const file = readFileSync(snapshot, 'latin1');
  const at = file.indexOf(MARK, file.indexOf('__cell.language'));
  assert.ok(at > 0);
  const changed = join(folder, 'changed.bin');
  writeFileSync(changed, `${file.slice(0, at)}${other}${file.slice(at + MARK.length)}`, 'latin1');
  const script = 'export default new Probe().mark()';
  assert.equal(runJob(script, '--snapshot', changed, '--v8-flags', '--jitless').value, other);
  assert.equal(runJob('export default 1', '--snapshot', changed).value, 1);
  assert.equal(run(script, '--v8-flags', '--jitless').value, MARK);
  // V8 compares only the lengths of texts: what its code says is the build's.
  assert.equal(runJob(script, '--snapshot', changed).value, MARK);
});

test('the bundler and the build refuse parts that cannot work, by name', () => {
  const refuse = (name, files, pattern) => {
    const r = bundle(copyWith(name, files), join(folder, `${name}.js`));
    assert.notEqual(r.status, 0, name);
    assert.match(r.stderr, pattern);
  };
  refuse('cycle', {
    'parts/a.js': `import { b } from './b.js'; export const a = () => b;`,
    'parts/b.js': `import { a } from './a.js'; export const b = () => a;`,
  }, /parts import each other: a -> b -> a/);
  refuse('inner', {
    'parts/a/index.js': 'export const a = 1;', 'parts/a/inner.js': 'export const inner = 1;',
    'parts/b.js': `import { inner } from './a/inner.js'; export const b = inner;`,
  }, /parts\/b may import its own files/);
  refuse('let', { 'parts/a.js': 'export let a = 1;' }, /parts\/a\.js: export const or functions/);
  refuse('star', { 'parts/a.js': `export * from '../inspect.js';` }, /name what is exported/);
  refuse('missing', { 'parts/a.js': `import { x } from '../no_such.js'; export { x };` }, /no_such\.js: no such file/);
  refuse('unknown', { 'parts/a.js': `import { nothing } from '../inspect.js'; export { nothing };` }, /nothing/);

  const source = copyWith('throws', { 'parts/a.js': `\nthrow new RangeError('at once');\nexport const a = 1;` });
  assert.equal(bundle(source, join(folder, 'throws.js')).status, 0);
  const r = make(join(folder, 'throws.js'), join(folder, 'throws.bin'));
  assert.equal(r.status, 3);
  assert.match(r.stderr, /the part 'a' failed: RangeError: at once/);
});

test('a snapshot whose parts are cut is refused', () => {
  const cut = join(folder, 'cut.bin');
  writeFileSync(cut, readFileSync(snapshot).subarray(0, -1000));
  const r = spawnSync(command, [fileOf('1'), '--snapshot', cut], { env, encoding: 'utf8' });
  assert.equal(r.status, 3);
  assert.match(r.stderr, /not of this build/);
});
