// Stacks of files that were made from others show the originals; maps that lie or are broken do no harm.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { runFiles, runJob } from '../js/shell.mjs';

const require = createRequire(import.meta.url);
const { decode, encode } = require('@jridgewell/sourcemap-codec');
const { buildSync, transformSync } = require('esbuild');

const inline = (map) => `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(typeof map === 'string' ? map : JSON.stringify(map)).toString('base64')}`;
const map = (mappings, more) => ({ version: 3, sources: ['orig.ts'], names: [], mappings: typeof mappings === 'string' ? mappings : encode(mappings), ...more });
const threw = (r) => (assert.equal(r.end, 'threw', JSON.stringify(r)), r);

const TYPED = `interface Point { x: number }
enum Kind { A, B }

function inner(p: Point): never {
    throw new RangeError('at ' + p.x);
}
export default () => inner({ x: Kind.B });
`;

test('a transformed file: error.stack, console and the result have the places of the source', () => {
  const { code } = transformSync(TYPED, { loader: 'ts', sourcemap: 'inline', sourcefile: 'job.ts', sourcesContent: false, minify: true, format: 'esm' });
  const r = threw(runJob(code, '--name', 'job.ts'));
  assert.deepEqual([r.name, r.message, r.line, r.column], ['RangeError', 'at 1', 5, 11]);
  assert.match(r.stack, /^RangeError: at 1\n {4}at \w+ \(job\.ts:5:11\)\n {4}at \S+ \(job\.ts:7:22\)$/);
  const printed = runJob(transformSync("type T = 1;\n\nconsole.error(new Error('shown')); export default new Error('kept').stack", { loader: 'ts', sourcemap: 'inline', sourcefile: 'p.ts', minify: true }).code, '--name', 'p.ts');
  assert.match(printed.stderr, /at p\.ts:3:15/);
  assert.match(printed.value, /at p\.ts:3:51/);
});

test('a bundle: each frame has its own file, in a job of several files too', () => {
  const virtual = { name: 'v', setup(b) { b.onResolve({ filter: /.*/ }, (a) => ({ path: a.path, namespace: 'v' })); b.onLoad({ filter: /.*/ }, (a) => ({ contents: a.path === 'entry' ? 'import { f } from "lib";\n\nexport default () => f();' : '// lib\nexport function f() {\n  null.x;\n}' })); } };
  return require('esbuild').build({ entryPoints: ['entry'], bundle: true, write: false, format: 'esm', sourcemap: 'inline', minify: true, plugins: [virtual], outfile: 'out.js' }).then(({ outputFiles }) => {
    const r = threw(runFiles({ 'dist/out.mjs': outputFiles[0].contents }, 'dist/out.mjs'));
    assert.match(r.stack, /at \w+ \(v:lib:3:8\)\n {4}at \S+ \(v:entry:3:22\)/);
    assert.deepEqual([r.line, r.column], [3, 8]);
  });
});

test('a map in a file beside it, named relative to the file', () => {
  const source = "throw new Error('x')\n//# sourceMappingURL=maps/a.mjs.map";
  const r = threw(runFiles({ 'src/a.mjs': source, 'src/maps/a.mjs.map': JSON.stringify(map([[[0, 0, 6, 2], [6, 0, 9, 4]]], { sources: ['../ts/a.ts'], sourceRoot: '' })) }, 'src/a.mjs'));
  assert.match(r.stack, /at ts\/a\.ts:10:5$/);
  assert.deepEqual([r.line, r.column], [10, 5]);
});

test('an imported CommonJS file with a map', () => {
  const r = threw(runFiles({ 'main.mjs': "import './c.cjs'", 'c.cjs': `null.x${inline(map([[[0, 0, 41, 0]]]))}` }, 'main.mjs'));
  assert.match(r.stack, /\(orig\.ts:42:1\)/);
});

test('every place is found as the usual decoder finds it', () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const lines = [];
  for (let l = 0; l < 200; l++) {
    const segments = [];
    for (let c = 0, n = l === 100 ? 3000 : random(12); n > 0; n--) {
      segments.push(random(5) ? [c, random(3), random(5000), random(200)] : [c]);
      c += 1 + random(9);
    }
    lines.push(segments);
  }
  const mappings = encode(lines);
  assert.deepEqual(decode(mappings), lines);
  const questions = [];
  for (let i = 0; i < 400; i++) questions.push([i % 4 ? 100 : random(200), random(12000)]);
  const expected = questions.map(([l, c]) => {
    const s = lines[l].filter((x) => x[0] <= c).at(-1);
    return s && s.length > 1 ? `${'abc'[s[1]]}:${s[2] + 1}:${s[3] + 1}` : `job.mjs:${l + 1}:${c + 1}`;
  });
  // Errors at these very places: lines of calls, padded with blanks.
  const text = [...Array(200).keys()].map((l) => questions.filter((q) => q[0] === l).map((q) => q[1]).sort((a, b) => a - b));
  let body = '';
  const asked = [];
  for (let l = 0; l < 200; l++) {
    let line = '';
    for (const c of new Set(text[l])) {
      if (c < line.length) continue;
      line = `${line.padEnd(c)}e();`;
      asked.push([l, c]);
    }
    body += `${line}\n`;
  }
  const find = ([l, c]) => expected[questions.findIndex((q) => q[0] === l && q[1] === c)];
  assert.ok(asked.length > 100);
  const r = runJob(`${body}function e() { (globalThis.out ??= []).push(/at ([^\\n]*)$/.exec(new Error().stack)[1]) }\nexport default globalThis.out;${inline(map(mappings, { sources: ['a', 'b', 'c'] }))}`, '--name', 'job.mjs');
  assert.equal(r.end, 'ok', JSON.stringify(r).slice(0, 500));
  assert.deepEqual(r.value, asked.map(find));
});

test('maps that are broken, huge or hostile: the frames stay as they are', () => {
  const broken = [
    'no JSON', '[]', 'null', '{"version":3}', map('AAAA', { version: 2 }), map('!!!!'), map('AAAAé'), map('gggggggggggggggggC'), map('A'),
    map('AAAAAAAA'), map('AAgggggE'), map(';'.repeat(500_000)), map('AAAA', { sources: 'a' }), map('AAAA', { sources: [null] }), map('AAAA', { sources: [{}] }),
    map('AAAA', { sources: ['a\nb'] }), map('AAAA', { sources: ['x'.repeat(5000)] }), map('ADAA'), map('AAAD'), map('AADA'), { version: 3, sections: [] },
    { ...map(''), mappings: ['AAAA'] }, { __proto__: null, version: 3, sources: [], mappings: 'AAAA' },
  ];
  for (const m of broken) {
    const r = threw(runJob(`throw new Error('x')${inline(m)}`, '--name', 'job.mjs'));
    assert.match(r.stack, /^Error: x\n {4}at job\.mjs:1:7$/, JSON.stringify(m).slice(0, 100));
    assert.deepEqual([r.line, r.column], [1, 7]);
  }
  for (const url of ['data:application/json', 'gone.map', 'https://x.org/a.map', '%zz', '../../../../etc/passwd', 'job.mjs', ''])
    assert.match(threw(runJob(`throw new Error('x')\n//# sourceMappingURL=${url}`, '--name', 'job.mjs')).stack, /at job\.mjs:1:7$/, url);
});

test('a large map of one line costs its pass and no heap to speak of', () => {
  const long = 'AAAA,'.repeat(400_000);
  const r = threw(runJob(`throw new Error('x')${inline(map(`${long}AAAA`))}`, '--name', 'job.mjs', '--heap-mb', '32', '--memory-mb', '128'));
  assert.match(r.stack, /at orig\.ts:1:1$/);
});

test('Error.prepareStackTrace of a script sees the frames of the file', () => {
  const r = runJob(`Error.prepareStackTrace = (e, s) => s[0].getLineNumber(); export default new Error('x').stack${inline(map([[[0, 0, 41, 0]]]))}`);
  assert.equal(r.value, 1);
});

test('a script that replaces what the language has gets its own stacks wrong at most', () => {
  const r = runJob(`for (const p of [Int32Array.prototype, Uint8Array.prototype]) p.constructor = null; String.prototype.charCodeAt = Object.prototype.version = null;
JSON.parse = null; Object.defineProperty(Object.prototype, 'sources', { get() { throw 1 } }); export default new Error('x').stack${inline(map([[[0, 0, 0, 0]], [[0, 0, 41, 0]]]))}`);
  assert.match(r.value, /at orig\.ts:42:1$/);
});
