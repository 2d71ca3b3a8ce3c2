// crypto.subtle beside Node's, which is another implementation: each reads what the other made.
// (Which error says that a key has no such format: subtle_errors.test.mjs. Node's differs for private keys as 'raw'.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runNode } from './shell.mjs';
import { kinds, make, read } from './subtle_cases.mjs';

const inNode = (source) => {
  const result = runNode(source);
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
};
const inJob = (source, input) =>
  runCases(`${source}`, '--memory-mb', '512', ...(input === undefined ? [] : ['--input', JSON.stringify(input)]));

const formatsOf = (made) => Object.fromEntries(Object.entries(made).map(([name, { keys }]) => [name, keys.map((k) => k.formats)]));
const formatsRead = (told) => Object.fromEntries(Object.entries(told).map(([name, { formats }]) => [name, formats]));
const shapes = (made) => Object.fromEntries(Object.entries(made).map(([name, { keys }]) => [name, keys.map(({ told, formats }) => [told,
  Object.entries(formats).map(([format, value]) => [format, typeof value === 'object' ? Object.keys(value).sort() : /Error$/.test(value) ? 'refused' : 'bytes'])])]));

const ours = inJob(`${make} show('made', await makeAll(${JSON.stringify(kinds)}));`).made;
const theirs = inNode(`${make} console.log(JSON.stringify(await makeAll(${JSON.stringify(kinds)})));`);

test('keys have the shape that Node gives them, in every format', () => {
  assert.deepEqual(shapes(ours), shapes(theirs));
});

test('Node reads keys, signatures and ciphertexts made here, and exports the same', () => {
  const told = inNode(`${read} console.log(JSON.stringify(await readAll(${JSON.stringify(kinds)}, ${JSON.stringify(ours)})));`);
  assert.deepEqual(formatsRead(told), formatsOf(ours));
});

test('what Node made is read here, and exported the same', () => {
  const told = {};
  for (let i = 0; i < kinds.length; i += 10) { // an argument of a program has less room than all of them need
    const some = kinds.slice(i, i + 10), made = Object.fromEntries(some.map(({ name }) => [name, theirs[name]]));
    Object.assign(told, inJob(`${read} show('read', await readAll(${JSON.stringify(some)}, job.input));`, made).read);
  }
  assert.deepEqual(formatsRead(told), formatsOf(theirs));
});
