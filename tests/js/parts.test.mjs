// The lazily loaded parts that are there (sandbox/js/parts): all can be loaded in one fresh cell.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runJob } from './shell.mjs';

const table = readFileSync(new URL('../../sandbox/js/globals.js', import.meta.url));
const { globals } = await import(`data:text/javascript;base64,${table.toString('base64')}`);

const look = `const found = {};
  for (const name of job.input.split(','))
    if (name) { const d = Object.getOwnPropertyDescriptor(globalThis, name);
      found[name] = [typeof d.value, d.enumerable, d.writable, d.configurable, d.value.name ?? name].join(); }
  export default found`;

const expected = {};
for (const { interfaces = [], functions = [] } of Object.values(globals)) {
  for (const name of interfaces) expected[name] = 'false,true,true';
  for (const name of functions) expected[name] = 'true,true,true';
}
const names = JSON.stringify(Object.keys(expected).join());

for (const flags of [[], ['--v8-flags', '--jitless']]) {
  test(`every part loads in a cell ${flags.join(' ')}`, () => {
    const { end, value, message } = runJob(look, '--input', names, ...flags);
    assert.equal(end, 'ok', message);
    assert.deepEqual(Object.keys(value).sort(), Object.keys(expected).sort());
    for (const [name, found] of Object.entries(value))
      assert.match(found, new RegExp(`^(?:function|object),${expected[name]},${name}$`), name);
  });
}
