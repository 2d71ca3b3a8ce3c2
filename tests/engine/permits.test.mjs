// What a permission opens, and that nothing is open without it: eval, WebAssembly, SharedArrayBuffer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runJob } from '../js/shell.mjs';
import { moduleSource } from '../js/wasm.mjs';

// name → what the expression throws or gives, as text.
const PRELUDE = `
  const told = async (name, f) => {
    try { show(name, String(await f())) } catch (e) { show(name, e.constructor.name + ': ' + e.message) }
  };`;

const EVALS = {
  'direct eval': '() => eval("1")',
  'indirect eval': '() => (0, eval)("1")',
  'new Function': '() => new Function("return 1")()',
  'GeneratorFunction': '() => [...Object.getPrototypeOf(function* () {}).constructor("yield 1")()]',
  'AsyncFunction': '() => Object.getPrototypeOf(async () => {}).constructor("return 1")()',
  'through a constructor': '() => (() => {}).constructor("return 1")()',
  'through a bound one': '() => Function.bind(null, "return 1")()()',
  'Reflect.construct': '() => Reflect.construct(Function, ["return 1"])()',
};
const evals = PRELUDE + Object.entries(EVALS).map(([n, f]) => `await told(${JSON.stringify(n)}, ${f});`).join('\n');

test('eval: an EvalError that says so, by whatever way a text would become code', () => {
  const r = runCases(evals);
  for (const name of Object.keys(EVALS))
    assert.equal(r[name],
      'EvalError: Code generation from strings (eval, new Function) is not allowed for this job', name);
});

test('eval: with the permission all of them work', () => {
  const r = runCases(evals, '--allow-eval');
  for (const name of Object.keys(EVALS)) assert.equal(r[name], '1', name);
});

const WASM = {
  'Module': '() => new WebAssembly.Module(bytes)',
  'Module, no bytes': '() => new WebAssembly.Module(new Uint8Array(3))',
  'Instance': '() => new WebAssembly.Instance({})',
  'validate': '() => WebAssembly.validate(bytes)',
  'compile': '() => WebAssembly.compile(bytes)',
  'instantiate': '() => WebAssembly.instantiate(bytes)',
  'compileStreaming': '() => WebAssembly.compileStreaming(new Response(bytes, { headers: { "content-type": "application/wasm" } }))',
  'instantiateStreaming': '() => WebAssembly.instantiateStreaming()',
  'Memory': '() => new WebAssembly.Memory({ initial: 1 })',
  'Table': '() => new WebAssembly.Table({ initial: 1, element: "anyfunc" })',
  'Global': '() => new WebAssembly.Global({ value: "i32" }, 1)',
  'Tag': '() => new WebAssembly.Tag({ parameters: [] })',
  'promising': '() => WebAssembly.promising(() => {})',
  'Suspending': '() => new WebAssembly.Suspending(() => {})',
};

test('WebAssembly: a CompileError from every door of it, and no other way to the real one', () => {
  const r = runCases(`${PRELUDE} const bytes = ${moduleSource()};
    ${Object.entries(WASM).map(([n, f]) => `await told(${JSON.stringify(n)}, ${f});`).join('\n')}
    show('late', [WebAssembly.compile(bytes), WebAssembly.compileStreaming(), WebAssembly.instantiateStreaming()].map((p) => typeof p.catch(() => {}).then));
    show('tag', String(WebAssembly));
    const real = new Set();
    const walk = (o, path, depth) => {
      if ((typeof o !== 'object' && typeof o !== 'function') || o === null || real.has(o) || depth > 6) return;
      real.add(o);
      for (const k of Reflect.ownKeys(o)) {
        const d = Reflect.getOwnPropertyDescriptor(o, k);
        for (const v of [d.value, d.get, d.set]) walk(v, path + '.' + String(k), depth + 1);
      }
      walk(Object.getPrototypeOf(o), path + '.__proto__', depth + 1);
    };
    walk(globalThis, '', 0);
    const found = [...real].filter((f) => typeof f === 'function' && /native code/.test(Function.prototype.toString.call(f)) &&
      ['Module', 'Instance', 'Memory', 'validate', 'instantiate', 'Table'].includes(f.name));
    show('walked', real.size > 500);
    const opened = [];
    for (const f of found) { try { new f(bytes); opened.push(f.name) } catch (e) { if (!/not allowed/.test(e.message)) opened.push(f.name + e.message) } }
    show('opened', opened);`);
  for (const name of Object.keys(WASM))
    assert.match(r[name], /^CompileError: WebAssembly\.\w+\(\): WebAssembly is not allowed for this job$/, name);
  assert.deepEqual([r.late, r.tag, r.walked, r.opened], [['function', 'function', 'function'], '[object WebAssembly]', true, []]);
});

test('WebAssembly: with the permission it works, synchronously and not', () => {
  const r = runCases(`const bytes = ${moduleSource({ memory: [1, 1, 4] })};
    const i = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    show('sync', i.exports.f0(10)); show('memory', i.exports.memory.buffer.byteLength);
    show('grown', [i.exports.memory.grow(1), i.exports.memory.buffer.byteLength]);
    show('instance', i.exports.memory instanceof WebAssembly.Memory && i.exports.memory.constructor === WebAssembly.Memory);
    show('valid', [WebAssembly.validate(bytes), WebAssembly.validate(new Uint8Array(4))]);
    show('instantiate', (await WebAssembly.instantiate(bytes)).instance.exports.f0(10));
    show('compile', (await WebAssembly.compile(bytes)) instanceof WebAssembly.Module);
    class Mine extends WebAssembly.Memory {}; show('subclass', new Mine({ initial: 2 }).buffer.byteLength);
    try { WebAssembly.Memory({ initial: 1 }) } catch (e) { show('called', e.name) }
    try { new WebAssembly.Module(new Uint8Array(8)) } catch (e) { show('wrong', e instanceof WebAssembly.CompileError) }`,
    '--allow-wasm');
  const x = (() => { let v = 0; for (let i = 0; i < 10; i++) v = (Math.imul(v, 31) + i) | 0; return v; })();
  assert.deepEqual(r, {
    sync: x, memory: 65536, grown: [1, 131072], instance: true, valid: [true, false], instantiate: x, compile: true,
    subclass: 131072, called: 'TypeError', wrong: true,
  });
});

test('WebAssembly: code counts against memory_mb', () => {
  // Each module is one large function, and unlike the others: V8 shares the code of equal ones.
  const source = `
    const leb = (n) => { const out = []; do out.push((n & 0x7f) | (n > 0x7f ? 0x80 : 0)); while ((n >>>= 7)); return out; };
    function make(seed) {
      const code = [0, 0x41, seed & 63, 0x1a]; for (let i = 0; i < 60000; i++) code.push(0x20, 0, 0x41, i & 63, 0x6c, 0x21, 0);
      code.push(0x20, 0, 0x0b);
      const size = leb(code.length);
      return new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0,
        10].concat(leb(code.length + size.length + 1), [1], size, code));
    }
    const keep = []; console.log('before');
    for (let k = 0; k < 60; k++) { const { f } = new WebAssembly.Instance(new WebAssembly.Module(make(k))).exports; f(3); keep.push(f); }
    keep.length`;
  const r = runJob(source, '--script', '--allow-wasm', '--memory-mb', '48');
  assert.deepEqual([r.end, r.stdout], ['memory', 'before\n'], JSON.stringify(r));
});

test('SharedArrayBuffer: not there without the permission, by no way', () => {
  const r = runCases(`${PRELUDE}
    show('global', [typeof SharedArrayBuffer, 'SharedArrayBuffer' in globalThis]);
    const shared = ${moduleSource({ memory: [3, 1, 2] })}, plain = ${moduleSource({ memory: [1, 1, 2] })};
    await told('Memory', () => new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }));
    let asked = 0;
    await told('a getter that changes', () => new WebAssembly.Memory({ initial: 1, maximum: 2, get shared() { return ++asked > 1 } }).buffer.constructor.name);
    const { memory } = new WebAssembly.Instance(new WebAssembly.Module(shared)).exports;
    await told('exported', () => memory.buffer);
    for (const m of ['toFixedLengthBuffer', 'toResizableBuffer']) if (memory[m]) await told(m, () => memory[m]());
    await told('own prototype', () => Reflect.get(WebAssembly.Memory.prototype, 'buffer', memory));
    await told('plain', () => new WebAssembly.Instance(new WebAssembly.Module(plain)).exports.memory.buffer.constructor.name);
    await told('Atomics.wait', () => Atomics.wait(new Int32Array(new ArrayBuffer(4)), 0, 0, 1));`, '--allow-wasm');
  const refused = 'TypeError: SharedArrayBuffer is not allowed for this job: a WebAssembly memory must not be shared';
  assert.deepEqual(r.global, ['undefined', false]);
  assert.equal(r.Memory, refused);
  assert.equal(r.exported, refused);
  assert.equal(r['own prototype'], refused);
  assert.ok(r['a getter that changes'] === refused || r['a getter that changes'] === 'ArrayBuffer');
  for (const m of ['toFixedLengthBuffer', 'toResizableBuffer']) if (r[m]) assert.equal(r[m], refused, m);
  assert.equal(r.plain, 'ArrayBuffer');
  assert.match(r['Atomics.wait'], /^TypeError/);
});

test('SharedArrayBuffer: with the permission it is there, and Atomics.wait waits', () => {
  const r = runCases(`
    const a = new Int32Array(new SharedArrayBuffer(8));
    show('wait', Atomics.wait(a, 0, 0, 5)); show('not equal', Atomics.wait(a, 0, 1, 5));
    show('shared', new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }).buffer instanceof SharedArrayBuffer);
    show('clone', structuredClone(new SharedArrayBuffer(3)).byteLength);
    show('enumerable', Object.keys(globalThis).includes('SharedArrayBuffer'));`, '--allow-sab', '--allow-wasm');
  assert.deepEqual([r.wait, r['not equal'], r.shared, r.enumerable], ['timed-out', 'not-equal', true, false]);
});

test('one permission does not open another', () => {
  const seen = `[typeof SharedArrayBuffer, (() => { try { return eval('1') } catch (e) { return e.name } })(),
    (() => { try { return new WebAssembly.Memory({ initial: 1 }).buffer.byteLength } catch (e) { return e.name } })()]`;
  const seenWith = (...flags) => runJob(`export default ${seen}`, ...flags).value;
  assert.deepEqual(seenWith(), ['undefined', 'EvalError', 'CompileError']);
  assert.deepEqual(seenWith('--allow-eval'), ['undefined', 1, 'CompileError']);
  assert.deepEqual(seenWith('--allow-wasm'), ['undefined', 'EvalError', 65536]);
  assert.deepEqual(seenWith('--allow-sab'), ['function', 'EvalError', 'CompileError']);
  assert.deepEqual(seenWith('--allow-eval', '--allow-wasm', '--allow-sab'), ['function', 1, 65536]);
});

test('jitless: no WebAssembly at all, eval and SharedArrayBuffer as permitted', () => {
  const seen = 'export default [typeof WebAssembly, typeof SharedArrayBuffer, eval("1 + 1")]';
  const r = runJob(seen, '--v8-flags', '--jitless', '--allow-eval', '--allow-sab', '--allow-wasm');
  assert.deepEqual(r.value, ['undefined', 'function', 2], JSON.stringify(r));
});
