// docs/scripts.md names every function of sodium with its parameters, and every global we add.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runCases } from './shell.mjs';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/scripts.md');

test('sodium: every function with its parameters, and no other', () => {
  const table = read('sandbox/engine/sodium_table.h');
  const rows = [...table.matchAll(/F\((\w+), "([^"]*)"\)/g)].map(([, name, parameters]) => `${name}(${parameters})`);
  assert.ok(rows.length > 80);
  const section = page.slice(page.indexOf('| family |'));
  const told = [...section.matchAll(/`([a-z]\w+\([^`]*\))`/g)].map(([, signature]) => signature);
  assert.deepEqual(told.toSorted(), rows.toSorted());
});

test('the globals that are not of the language itself', () => {
  const { names } = runCases(`show('names', Object.getOwnPropertyNames(globalThis))`);
  const language = new Set(Object.getOwnPropertyNames(globalThis));
  const web = ['console', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate',
    'queueMicrotask', 'structuredClone', 'TextEncoder', 'TextDecoder', 'atob', 'btoa', 'DOMException', 'QuotaExceededError',
    'performance', 'crypto', 'job', 'secrets', 'sodium',
    'HostError', 'PermissionDenied', 'BudgetExceeded', 'InvalidArgument', 'NotFound', 'Conflict'];
  for (const name of web) {
    assert.ok(names.includes(name), `${name} is missing`);
    assert.match(page, new RegExp(`\\b${name}\\b`), `${name} is not told`);
  }
  const unknown = names.filter((name) => !language.has(name) && !web.includes(name));
  assert.deepEqual(unknown, [], 'globals that this page does not tell');
});
