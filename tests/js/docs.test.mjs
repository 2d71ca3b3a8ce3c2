// docs/scripts.md names every function of sodium with its parameters, and every global we add.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { runCases } from './shell.mjs';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/scripts.md');

test('sodium: every function with its parameters, and no other', () => {
  const table = read('sandbox/engine/sodium/sodium_table.h');
  const rows = [...table.matchAll(/F\((\w+), "([^"]*)"\)/g)].map(([, name, parameters]) => `${name}(${parameters})`);
  assert.ok(rows.length > 80);
  const section = page.slice(page.indexOf('| family |'));
  const told = [...section.matchAll(/`([a-z]\w+\([^`]*\))`/g)].map(([, signature]) => signature);
  assert.deepEqual(told.toSorted(), rows.toSorted());
});

test('the globals that are not of the language itself', async () => {
  const { names } = runCases(`show('names', Object.getOwnPropertyNames(globalThis))`);
  // What V8 itself brings is not told here.
  const language = new Set([...runInNewContext('Object.getOwnPropertyNames(globalThis)'), 'SharedArrayBuffer', 'WebAssembly']);
  const ours = names.filter((name) => !language.has(name) || name === 'console');
  assert.ok(ours.length > 20 && ours.includes('setTimeout') && ours.includes('job'));
  // An area of the web platform is told as a whole; its names stand in one table.
  const { globals } = await import(`data:text/javascript,${encodeURIComponent(read('sandbox/js/globals.js'))}`);
  const areas = new Set(Object.values(globals).flatMap(({ interfaces = [], functions = [] }) => [...interfaces, ...functions]));
  assert.deepEqual(ours.filter((name) => !areas.has(name)).filter((name) => !new RegExp(`\\b${name}\\b`).test(page)), [], 'globals that this page does not tell');
});
