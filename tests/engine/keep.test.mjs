// A source that the zygote has compiled before it forked: jobs find nothing else than without it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { shellCommand } from '../js/shell.mjs';

const { command, env } = shellCommand();
const folder = mkdtempSync(join(tmpdir(), 'isolane-keep-'));
after(() => rmSync(folder, { recursive: true }));

let runs = 0;
/** What three cells of one zygote answer, with the source kept and without. */
function both(files, main, ...options) {
  const dir = join(folder, `${++runs}`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  const of = (...more) => {
    const several = Object.keys(files).length > 1 ? ['--files', dir] : [];
    const r = spawnSync(command, [several.length ? main : join(dir, main), '--json', '--fork', '3', ...several, ...options, ...more], { env, encoding: 'utf8', cwd: dir });
    return r.stdout.trim().split('\n').filter(Boolean).map((line) => {
      const { end, value, error, stdout, line: at, column, name, message, stack } = JSON.parse(line);
      return { end, value, error, stdout, at, column, name, message, stack };
    });
  };
  const plain = of(), kept = of('--keep');
  assert.equal(plain.length, 3);
  assert.deepEqual(kept, plain);
  return kept;
}
const filler = Array.from({ length: 30 }, (_, i) => `function f${i}(a, b = ${i}) { return [a, b].map((x) => typeof x) }`).join('\n');

test('a module', () => {
  const [r] = both({ 'a.mjs': `${filler}\nglobalThis.n = (globalThis.n ?? 0) + 1; console.log('ö', n);\nexport default (i) => [f3(1), n, import.meta.url, new Error('x').stack]` }, 'a.mjs');
  assert.deepEqual(r.value.slice(0, 2), [['number', 'number'], 1]);
});

test('a classic script', () => {
  const [r] = both({ 'a.js': `${filler}\nvar top = f1(2).length; top + (this.left = 1)` }, 'a.js', '--script');
  assert.equal(r.value, 3);
});

test('files: modules, CommonJS, JSON, import() of one that was kept and of one that was not', () => {
  const [r] = both({
    'main.mjs': `import { g, where } from './lib/g.mjs'; import old from './old.cjs'; import j from './j.json' with { type: 'json' };\nexport default [g(2), where(), old.y, j.z, (await import('./lib/g.mjs')).g(1), (await import('./late.mjs')).late]`,
    'lib/g.mjs': `\ufeff${filler}\nexport const g = (n) => n * 21, where = () => import.meta.filename; // ü`,
    'late.mjs': 'export const late = "later"', 'old.cjs': 'exports.y = require("./more.cjs")', 'more.cjs': 'module.exports = "more"', 'j.json': '{"z":1}',
  }, 'main.mjs');
  assert.deepEqual(r.value, [42, '/lib/g.mjs', 'more', 1, 21, 'later']);
});

test('what throws, throws where it did', () => {
  const [r] = both({ 'a.mjs': `${filler}\nfunction deep() {\n  null.x;\n}\nexport default () => deep()` }, 'a.mjs');
  assert.equal(r.end, 'threw');
});

test('nothing of the source runs before the fork', () => {
  const dir = join(folder, 'none');
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.mjs'), `console.log('ran'); for (;;);`);
  const r = spawnSync(command, [join(dir, 'a.mjs'), '--json', '--keep', '--cpu-ms', '50'], { env, encoding: 'utf8' });
  assert.equal(JSON.parse(r.stdout).stdout, 'ran\n'); // once, in the cell, where it is stopped
});

test('a source that is none is refused before the fork', () => {
  const dir = join(folder, 'bad');
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.mjs'), 'let a; let a;');
  const r = spawnSync(command, [join(dir, 'a.mjs'), '--keep'], { env, encoding: 'utf8' });
  assert.equal(r.status, 3);
  assert.match(r.stderr, /cannot be compiled ahead/);
});
