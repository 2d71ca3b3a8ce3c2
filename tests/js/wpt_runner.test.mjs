// The runner of web platform tests, on a checkout of four files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fileOf } from './shell.mjs';

const path = (name) => fileURLToPath(new URL(`../wpt/${name}`, import.meta.url));
const run = (...args) => spawnSync(process.execPath, [path('run.mjs'), ...args], { encoding: 'utf8' });

test('variants, scripts, files, failures and tests that never end are counted; what is not listed fails the run', () => {
  const out = fileOf('', '.json');
  const expected = fileOf('url/bad.any.js | fails too | known\nurl/hangs.any.js | * | never ends\n', '.txt');
  const r = run(path('fixture'), '--area', 'url', '--json', out, '--expected', expected);
  const [sum] = JSON.parse(readFileSync(out));
  assert.equal(r.status, 1, r.stderr);
  assert.deepEqual([sum.files, sum.cell, sum.node, sum.listed], [4, [5, 8], [5, 8], 2]);
  assert.deepEqual(sum.skipped, { 'a document, a window or workers': 1 });
  assert.match(r.stdout, /not expected: url\/bad\.any\.js \| fails \| Error: expected 2, found 1\n2 failures are listed with their reason\n1 tests failed/);
  assert.deepEqual(sum.failures.map((f) => `${f.path} ${f.name}`).sort(),
    ['url/bad.any.js fails', 'url/bad.any.js fails too', 'url/hangs.any.js (the file)']);
});

test('when all failures are listed the run is good', () => {
  const expected = fileOf('url/bad.any.js | fails* | known\nurl/hangs.any.js | (the file) | never ends\n', '.txt');
  const r = run(path('fixture'), '--area', 'url', '--no-node', '--expected', expected);
  assert.equal(r.status, 0, r.stdout);
});

test('without a checkout it says how to get one', () => {
  for (const args of [[], ['/nonexistent']]) {
    const r = run(...args);
    assert.equal(r.status, 2);
    assert.match(r.stderr, /git clone --depth 1/);
  }
});
