// What a job's value is: default export, completion value, promises, imports, eval, WebAssembly.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from '../js/shell.mjs';

const ADD_WASM = `new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,
  10,9,1,7,0,32,0,32,1,106,11])`;

function valueOf(source, ...options) {
  const r = runJob(source, ...options);
  assert.equal(r.end, 'ok', JSON.stringify(r));
  return r.value;
}

const threw = (source, ...options) => {
  const r = runJob(source, ...options);
  assert.equal(r.end, 'threw', JSON.stringify(r));
  return r;
};

test('a module: the default export is the value', () => {
  assert.deepEqual(valueOf('export default { a: [1, "x", null] }'), { a: [1, 'x', null] });
  assert.equal(valueOf('export default "é\\u2028\\ud83d\\ude00"'), 'é\u2028😀');
});

test('a job that is settled stays for compilations and wake-ups it has begun, not for waits', () => {
  const r = runJob(`const i = new Int32Array(new SharedArrayBuffer(8));
    Promise.all([Atomics.waitAsync(i, 0, 0).value, Atomics.waitAsync(i, 0, 0, 1e9).value]).then((x) => console.log(x.join()));
    Atomics.waitAsync(i, 1, 0).value.then(() => console.log('never'));
    Atomics.waitAsync(i, 1, 0, 1e6).value.then(() => console.log('never'));
    WebAssembly.compile(${ADD_WASM}).then((m) => WebAssembly.instantiate(m)).then((i) => console.log(i.exports.add(1, 2)));
    Atomics.notify(i, 0)`, '--script', '--allow-sab', '--allow-wasm');
  assert.deepEqual([r.end, r.value, r.stdout.trim().split('\n').sort()], ['ok', 2, ['3', 'ok,ok']]);
});

test('a module without default export, and an empty script, have no value', () => {
  assert.equal(valueOf('console.log(1)'), undefined);
  assert.equal(valueOf(''), undefined);
  assert.equal(valueOf('', '--script'), undefined);
});

test('an exported function is called with job.input and awaited', () => {
  assert.deepEqual(
    valueOf('export default (i) => ({ i, same: i === job.input })', '--input', '{"k":[1]}'),
    { i: { k: [1] }, same: true },
  );
  assert.equal(valueOf('export default async () => { await null; return 5 }'), 5);
  assert.equal(valueOf('globalThis.job = 3; export default (i) => i', '--input', '7'), 7);
});

test('an exported class is called like a function, which JavaScript refuses', () => {
  const r = threw('export default class A {}');
  assert.match(r.message, /cannot be invoked without 'new'/);
});

test('top-level await', () => {
  assert.equal(
    valueOf('const x = await new Promise((r) => setTimeout(r, 5, 9)); export default x'),
    9,
  );
});

test('exported promises and thenables are awaited', () => {
  assert.equal(valueOf('export default new Promise((r) => setTimeout(r, 5, 3))'), 3);
  assert.equal(valueOf('export default { then(ok) { ok(42) } }'), 42);
  assert.equal(threw('export default { get then() { throw new Error("no") } }').message, 'no');
});

test('a classic script: its completion value, awaited', () => {
  assert.deepEqual(valueOf('var y = 2; ({ y, sloppy: this === globalThis })', '--script'), {
    y: 2,
    sloppy: true,
  });
  assert.equal(valueOf('Promise.resolve(7)', '--script'), 7);
  assert.equal(valueOf('if (1) 5; else 6', '--script'), 5);
});

test('the job goes on until nothing is pending, the value being known', () => {
  const r = runJob('setTimeout(() => console.log("late"), 20); export default 1');
  assert.equal(r.value, 1);
  assert.equal(r.stdout, 'late\n');
});

test('functions and symbols are no JSON: no value', () => {
  assert.equal(valueOf('export default () => () => 1'), undefined);
  assert.equal(valueOf('Symbol()', '--script'), undefined);
});

test('a value that JSON cannot hold is an error of the job', () => {
  assert.match(threw('export default 10n').message, /BigInt/);
  assert.match(threw('const a = {}; a.a = a; export default a').message, /circular/);
  assert.equal(threw('export default { toJSON() { throw new RangeError("mine") } }').end, 'threw');
});

test('a value over its limit ends with `output` and says both sizes', () => {
  const r = runJob('export default "x".repeat(5000)', '--value-kb', '4');
  assert.equal(r.end, 'output');
  assert.match(r.message, /5002 bytes of JSON; at most 4096/);
  assert.equal(runJob('export default "x".repeat(4094)', '--value-kb', '4').end, 'ok');
});

test('import.meta', () => {
  assert.deepEqual(valueOf('export default { ...import.meta }', '--name', 'a b/ü.mjs'), {
    dirname: '/a b',
    filename: '/a b/ü.mjs',
    url: 'file:///a%20b/%C3%BC.mjs',
    main: true,
  });
});

test('a static import is refused with its place', () => {
  const r = threw('\n  import fs from "node:fs";', '--name', 'script.mjs');
  assert.equal(
    r.message,
    "'node:fs', imported from script.mjs, is a built-in module of Node.js: this profile has none of them",
  );
  assert.equal(r.line, 2);
  assert.match(r.stack, /at script\.mjs:2:\d+/);
});

test('a dynamic import rejects', () => {
  const value = valueOf(
    'export default await import("./x.mjs").catch((e) => [e.code, e.message])',
    '--name',
    's.mjs',
  );
  assert.equal(value[0], 'ERR_MODULE_NOT_FOUND');
  assert.match(value[1], /Cannot find module '\.\/x\.mjs' imported from s\.mjs/);
  assert.match(threw('import("y")', '--script').message, /Cannot find package 'y'/);
});

test('eval and new Function are refused unless permitted', () => {
  for (const code of ['eval("1+1")', 'new Function("return 2")()', 'setTimeout("1")']) {
    assert.equal(runJob(code, '--script').end, 'threw', code);
  }
  assert.match(threw('eval("1+1")').message, /not allowed for this job/);
  assert.equal(valueOf('eval("1+1")', '--script', '--allow-eval'), 2);
  assert.equal(valueOf('new Function("return 2")()', '--script', '--allow-eval'), 2);
});

test('WebAssembly is refused unless permitted, synchronous and asynchronous', () => {
  const sync = `new WebAssembly.Instance(new WebAssembly.Module(${ADD_WASM})).exports.add(2, 40)`;
  const async = `const { instance } = await WebAssembly.instantiate(${ADD_WASM});
    await WebAssembly.compile(${ADD_WASM}); export default instance.exports.add(2, 40)`;
  assert.match(threw(sync, '--script').message, /not allowed for this job/);
  assert.match(threw(async).message, /not allowed for this job/);
  assert.equal(valueOf(sync, '--script', '--allow-wasm'), 42);
  assert.equal(valueOf(async, '--allow-wasm'), 42);
});

test('Atomics.waitAsync settles by its timeout, Atomics.wait returns', () => {
  const cell = 'new Int32Array(new SharedArrayBuffer(4)), 0, 0';
  assert.equal(valueOf(`export default await Atomics.waitAsync(${cell}, 20).value`, '--allow-sab'), 'timed-out');
  assert.equal(valueOf(`Atomics.wait(${cell}, 5)`, '--script', '--allow-sab'), 'timed-out');
});

test('a note to the host needs no answer', () => {
  const r = runJob('job.progress(0.5, "half"); export default 1');
  assert.equal(r.end, 'ok', r.message);
});

test('clocks are coarse, dates are in UTC and English', () => {
  const v = valueOf(
    `const seen = new Set(), until = Date.now() + 60; let t;
     while ((t = Date.now()) < until) seen.add(t % 20);
     export default { steps: [...seen], zone: new Date().getTimezoneOffset(),
       now: Number(Temporal.Now.instant().epochNanoseconds % 20000000n), ms: performance.now() % 20,
       locale: new Intl.NumberFormat().format(1234.5) }`,
    '--clock-us',
    '20000',
  );
  assert.deepEqual(v, { steps: [0], zone: 0, now: 0, ms: 0, locale: '1,234.5' });
});

test('byte order mark, hashbang, NUL and bytes that are no UTF-8 in a script', () => {
  assert.equal(valueOf('\ufeff#!/usr/bin/env node\nexport default 3'), 3);
  assert.equal(valueOf('#!/usr/bin/env node\nexport default 4'), 4);
  const bytes = Buffer.from([...Buffer.from('export default "'), 0, 0xff, 0xc3, ...Buffer.from('"')]);
  assert.equal(valueOf(bytes), '\0\ufffd\ufffd');
});

test('a large script and a large input', () => {
  const script = `${'a.push(1);\n'.repeat(100000)}export default (i) => [a.length, i.length]`;
  const input = `[${'"xxxxxxxxxxxxxxxxxxxx",'.repeat(4000)}0]`;
  assert.deepEqual(valueOf(`const a = [];\n${script}`, '--input', input), [100000, 4001]);
});

test('deep nesting in a script and in a value', () => {
  const depth = 100000;
  assert.equal(threw(`export default ${'['.repeat(depth)}${']'.repeat(depth)}`).name, 'RangeError');
  const deep = `let a = []; for (let i = 0; i < ${depth}; i++) a = [a]; export default a`;
  assert.ok(['ok', 'threw'].includes(runJob(deep).end));
});
