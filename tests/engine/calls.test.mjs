// Host calls through native.loop and native.output, with built-ins of the test's own: the shell imitates a supervisor that
// answers `echo` and refuses everything else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileOf, shellCommand } from '../js/shell.mjs';

const { command, env } = shellCommand();

const bundle = `'use strict';
const { loop } = native;
const waiting = new Map();
globalThis.ask = (name, value) =>
  new Promise((yes, no) => waiting.set(loop.call(name, JSON.stringify(value)), [yes, no]));
globalThis.loop = loop;
globalThis.output = native.output;
globalThis.timers = [];
globalThis.job = { id: '' };
const noop = () => {};
for (const name of ['setTimeout', 'clearTimeout', 'setImmediate', 'queueMicrotask', 'structuredClone'])
  globalThis[name] = noop;
globalThis.performance = { now: () => 0 };
globalThis.console = { log: noop, error: noop, info: noop, warn: noop, debug: noop };
globalThis.TextEncoder = class { encode() {} };
globalThis.TextDecoder = class { decode() {} };
return {
  begin: noop, input: noop, self: noop, permit: noop, stream: noop, part: noop, uncaught: noop, serialize: JSON.stringify,
  prepareStack: (e, sites) => [e, ...sites].join('\\n    at '),
  describe: (e) => ({ name: String(e.name), message: String(e.message), stack: String(e.stack) }),
  reply(id, ok, json) { waiting.get(id)[ok ? 0 : 1](JSON.parse(json)); waiting.delete(id); },
  runTimers(now) { for (const t of timers.splice(0)) { t(now); loop.drain(); } loop.arm(-1); },
};`;

const snapshot = fileOf('', '.bin');
const made = spawnSync(command, ['--make-snapshot', fileOf(bundle, '.js'), snapshot], {
  env,
  encoding: 'utf8',
});

function run(source, ...options) {
  assert.equal(made.status, 0, made.stderr);
  const args = [fileOf(source), '--json', '--snapshot', snapshot, ...options];
  const r = spawnSync(command, args, { env, encoding: 'utf8' });
  return JSON.parse(r.stdout);
}

test('a reply settles the call, and a call keeps the job alive', () => {
  const r = run('const a = ask("echo", { x: 1 }); export default [await a, await ask("echo", 2)]');
  assert.deepEqual(r.value, [{ x: 1 }, 2]);
});

test('a refused call rejects', () => {
  const r = run('export default ask("nothing", 1).catch((e) => e)');
  assert.deepEqual(r.value, { name: 'Error', message: 'no such service' });
});

test('256 calls may be out, no more; their replies come in order', () => {
  const r = run(`const out = [], all = [];
    for (let i = 0; i < 256; i++) all.push(ask("echo", i).then((v) => out.push(v)));
    let refused; try { loop.call("echo", "1") } catch (e) { refused = e.message }
    await Promise.all(all);
    export default { refused, sorted: out.every((v, i) => v === i), again: await ask("echo", "x") }`);
  assert.match(r.value.refused, /at most 256/);
  assert.deepEqual([r.value.sorted, r.value.again], [true, 'x']);
});

test('arguments are checked', () => {
  const bad = [
    'loop.call()', 'loop.call("x")', 'loop.call("", "1")', 'loop.call("x".repeat(65), "1")',
    'loop.call("x", "1".repeat(70000))', 'loop.note("x", 1)', 'output.write(1)', 'output.write(3, "x")',
    'output.write("1", "x")', 'output.write(1, 5)',
  ];
  const r = run(`export default ${JSON.stringify(bad)}.map((code) => {
    try { eval(code); return code } catch (e) { return e.name } })`, '--allow-eval');
  for (const name of r.value) assert.match(name, /^(Type|Range)Error$/);
});

test('timers: arm, run with microtasks between, disarm', () => {
  const r = run(`const seen = [];
    timers.push(() => { seen.push("a"); Promise.resolve().then(() => seen.push("micro")) }, () => seen.push("b"));
    loop.arm(loop.now() + 3000);
    await new Promise((done) => timers.push(done));
    export default seen`);
  assert.deepEqual(r.value, ['a', 'micro', 'b']);
  assert.ok(r.run_us >= 2000);
  for (const never of ['-1', 'NaN', 'Infinity', '"5"', ''])
    assert.equal(run(`loop.arm(${never}); await new Promise(() => {})`).end, 'threw', never);
});

test('clocks of the loop are coarse', () => {
  const r = run('export default [loop.now() % 5000, loop.time() % 5]', '--clock-us', '5000');
  assert.deepEqual(r.value, [0, 0]);
});
