// Stopping a script by signal, as the supervisor does it: repeated every 5 ms (tests/engine/shell.c).
// No script may survive it, catch it, or turn it into something else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileOf, runJob, shellCommand } from '../js/shell.mjs';

const endless = {
  'a loop': 'for (;;);',
  'a loop that catches': 'for (;;) try { for (;;); } catch { console.log("caught") } finally { console.log("finally") }',
  'promise jobs': 'const f = async () => { for (;;) await null }; f()',
  'promise jobs that catch': 'const f = () => Promise.reject().catch(f).finally(f); f()',
  'queueMicrotask': 'const f = () => queueMicrotask(f); f()',
  'a generator with finally': 'function* g() { try { for (;;) yield } finally { for (;;); } } for (const _ of g());',
  'a timer': 'setTimeout(() => { for (;;); }, 1)',
  'an interval that never ends': 'setInterval(() => {}, 1)',
  'a regular expression': '/(a+)+$/.test("a".repeat(40) + "b")',
  'toJSON of the value': '({ toJSON() { for (;;); } })',
  'a getter of the value': '({ get x() { for (;;); } })',
  'a proxy as value': 'new Proxy({}, { ownKeys() { for (;;); } })',
  'then of the value': '({ get then() { for (;;); } })',
  'the stack of what is thrown': 'throw Object.defineProperty(new Error("x"), "stack", { get() { for (;;); } })',
  'the name of what is thrown': 'class E extends Error { get name() { for (;;); } } throw new E()',
  'Error.prepareStackTrace': 'Error.prepareStackTrace = () => { for (;;); }; throw new Error("x")',
  'toString while printing': 'console.log("%s", { toString() { for (;;); } })',
  'a custom inspection': 'console.log({ [Symbol.for("nodejs.util.inspect.custom")]() { for (;;); } })',
  'sorting with a comparison': '[3, 2, 1].sort(() => { for (;;); })',
  'WebAssembly': `new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,
     3,2,1,0,7,5,1,1,102,0,0,10,9,1,7,0,3,64,12,0,11,11]))).exports.f()`,
  'Atomics.wait': 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
  'a sort that no check interrupts': 'const a = []; a.length = 4e9; a.sort()',
  'JSON.parse and stringify': 'const t = JSON.stringify(new Array(1e5).fill({ a: [1, 2] })); for (;;) JSON.parse(t)',
  'compiling': 'for (let i = 0; ; i++) new Function(`return ${i}`)',
  'garbage': 'for (;;) { let a = []; for (let i = 0; i < 1e5; i++) a.push({ i }) }',
  'printing': 'for (;;) console.log("")',
};

for (const [name, code] of Object.entries(endless)) {
  test(`stopped: ${name}`, () => {
    let r;
    for (const ms of [40, 400, 4000]) { // longer where the machine did not even let it begin
      r = runJob(
        `console.error("before");\n${code}`, '--script', '--wall-ms', `${ms}`, '--allow-wasm', '--allow-eval', '--allow-sab',
        '--output-kb', '900000',
      );
      if (r.stderr !== '') break;
    }
    assert.equal(r.end, 'terminated', JSON.stringify(r).slice(0, 500));
    assert.equal(r.stderr, 'before\n');
    assert.doesNotMatch(r.stdout, /caught|finally/);
  });
}

// Signals that hit V8 inside its own locks: the reason for stop.cc.
for (const [name, code] of Object.entries({
  'compiling regular expressions': 'for (let i = 0; ; i++) new RegExp("x{" + i + "}")',
  'waiting and notifying': 'const a = new Int32Array(new SharedArrayBuffer(4)); for (;;) { Atomics.notify(a, 0); Atomics.waitAsync(a, 0, 1) }',
  'throwing and reading stacks': 'for (;;) try { null.x } catch (e) { e.stack }',
  'allocating buffers': 'for (;;) new Uint8Array(5000)',
})) {
  test(`40 cells stopped at any moment: ${name}`, () => {
    const { command, env } = shellCommand();
    for (const ms of [1, 2, 3, 5]) {
      const args = [fileOf(code), '--script', '--json', '--wall-ms', `${ms}`, '--allow-sab', '--fork', '10'];
      const r = spawnSync(command, args, { env, encoding: 'utf8', timeout: 60000 });
      const ends = r.stdout.trim().split('\n').map((line) => JSON.parse(line).end);
      assert.deepEqual(ends, new Array(10).fill('terminated'), r.stderr);
    }
  });
}

test('a job that ended is not stopped any more', () => {
  const r = runJob('export default 1', '--wall-ms', '1000');
  assert.equal(r.end, 'ok');
});

test('a stop while the job only waits', () => {
  const r = runJob('await new Promise((r) => setTimeout(r, 60000))', '--wall-ms', '20');
  assert.equal(r.end, 'terminated');
  assert.ok(r.run_us < 5e6);
});
