// Ceilings inside the process: JavaScript heap, memory outside it, output. Each script here asks for more
// than it may have; the job must end by its own outcome, keep what it printed, and do so soon.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileOf, runJob, shellCommand } from '../js/shell.mjs';

const LIMITS = ['--heap-mb', '32', '--memory-mb', '96', '--allow-wasm', '--allow-sab'];

const heap_bombs = {
  'objects': 'const a = []; for (;;) a.push({})',
  'arrays': 'const a = []; for (;;) a.push(new Array(1000).fill(1))',
  'closures': 'const a = []; for (;;) a.push(() => a)',
  'one huge array': 'new Array(1e8).fill(0).map(() => ({}))',
  'Array.from': 'Array.from({ length: 1e9 })',
  'a Map that grows': 'const m = new Map(); for (let i = 0; ; i++) m.set(i, i)',
  'an object with many keys': 'const o = {}; for (let i = 0; ; i++) o["k" + i] = i',
  'strings': 'const a = []; for (;;) a.push("x".repeat(1 << 20) + a.length)',
  'one huge string': '"x".repeat(1 << 28).split("")',
  'spreading a string': '[..."x".repeat(1e8)]',
  'joining': 'new Array(2e8).join("x")',
  'a BigInt': '2n ** (2n ** 30n - 1n)',
  'regular expressions': 'const a = []; for (let i = 0; ; i++) a.push(new RegExp(`x{${i}}`))',
  'promises in a microtask loop': 'const f = () => Promise.resolve().then(f); f()',
  'a value whose JSON is huge': 'new Array(1e6).fill("x".repeat(100))',
};

for (const [name, code] of Object.entries(heap_bombs)) {
  test(`heap: ${name}`, () => {
    const r = runJob(`console.log("before");\n${code}`, '--script', ...LIMITS);
    assert.equal(r.end, 'heap', JSON.stringify(r));
    assert.match(r.message, /heap over its limit of 32 MB/);
    assert.equal(r.stdout, 'before\n');
    assert.ok(r.heap_peak > 500000 && r.heap_peak < 60 << 20, `${r.heap_peak}`);
  });
}

const memory_bombs = {
  'array buffers': 'const a = []; for (;;) a.push(new Uint8Array(1 << 20))',
  'one huge array buffer': 'new Uint8Array(2 ** 31)',
  'caught and tried again': 'const a = []; for (;;) try { a.push(new Uint8Array(1 << 22)) } catch {}',
  'shared array buffers': 'const a = []; for (;;) a.push(new SharedArrayBuffer(1 << 20))',
  'a resizable array buffer':
    'const b = new ArrayBuffer(1, { maxByteLength: 2 ** 30 }); for (let n = 1; ; n += 1 << 20) b.resize(n)',
  'a growing WebAssembly memory':
    'const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) m.grow(16)',
  'a large WebAssembly memory': 'new WebAssembly.Memory({ initial: 60000 })',
  'many WebAssembly memories':
    'const a = []; for (;;) a.push(new WebAssembly.Memory({ initial: 16, maximum: 16 }))',
};

for (const [name, code] of Object.entries(memory_bombs)) {
  test(`memory: ${name}`, () => {
    const r = runJob(`console.log("before");\n${code}`, '--script', ...LIMITS);
    assert.equal(r.end, 'memory', JSON.stringify(r));
    assert.match(r.message, /memory over its limit of 96 MB/);
    assert.equal(r.stdout, 'before\n');
  });
}

test('garbage is not held against a job', () => {
  const code = {
    buffers: 'for (let i = 0; i < 1000; i++) new Uint8Array(1 << 20); 1',
    wasm: 'for (let i = 0; i < 300; i++) new WebAssembly.Memory({ initial: 32, maximum: 32 }); 1',
    objects: 'let a = []; for (let i = 0; i < 2e6; i++) { a.push({ i }); if (a.length > 1e5) a = [] } 1',
    resized:
      'for (let i = 0; i < 300; i++) new ArrayBuffer(1, { maxByteLength: 1 << 21 }).resize(1 << 21); 1',
  };
  for (const [name, text] of Object.entries(code)) {
    const r = runJob(text, '--script', ...LIMITS);
    assert.deepEqual([r.end, r.value], ['ok', 1], `${name}: ${JSON.stringify(r)}`);
  }
});

test('memory that is freed may be used again', () => {
  const r = runJob(
    `const m = new WebAssembly.Memory({ initial: 1, maximum: 1000 }); m.grow(600);
     const b = new ArrayBuffer(40 << 20, { maxByteLength: 64 << 20 }); b.resize(0); b.resize(30 << 20);
     export default [m.buffer.byteLength >> 16, b.byteLength >> 20]`,
    ...LIMITS,
  );
  assert.deepEqual(r.value, [601, 30], JSON.stringify(r));
});

test('the heap ceiling is the job\'s: the same script fits a larger one', () => {
  const code = 'const a = []; for (let i = 0; i < 5e5; i++) a.push({ i, s: [i] }); a.length';
  assert.equal(runJob(code, '--script', '--heap-mb', '24').end, 'heap');
  assert.equal(runJob(code, '--script', '--heap-mb', '128').value, 5e5);
  const small = runJob(code, '--script', '--heap-mb', '8');
  assert.deepEqual([small.end, small.message], ['heap', 'JavaScript heap over its limit of 8 MB']);
  assert.ok(small.heap_peak < 18 << 20, `${small.heap_peak}`);
  assert.equal(runJob('[1, 2].map(String)', '--script', '--heap-mb', '8').end, 'ok');
});

test('a script that prints too much is stopped, what fitted is kept', () => {
  const code = 'for (;;) try { console.log("x".repeat(999)) } catch {} finally { }';
  const r = runJob(code, '--output-kb', '64');
  assert.equal(r.end, 'output');
  assert.match(r.message, /output limit/);
  assert.equal(r.stdout.length, 65 * 1000, 'the last chunk is handed over and cut by the host');
});

test('text is handed over as UTF-8, lone surrogates as U+FFFD, in one piece or many', () => {
  const r = runJob('console.log("a\\u00e9\\u65e5\\ud83d\\ude00\\ud800b\\udc00"); console.log("\\ud83d\\ude00é".repeat(20000))');
  const [first, second] = r.stdout.split('\n');
  assert.equal(first, 'aé日😀\ufffdb\ufffd');
  assert.equal(second, '😀é'.repeat(20000));
});

test('memory that only the kernel counts: a refused malloc ends the job as `memory`', (t) => {
  const { command, env } = shellCommand();
  const file = fileOf(
    'console.log("before"); JSON.stringify(new Array(1e6).fill("x".repeat(400))); 1',
  );
  const args = [file, '--script', '--json', '--heap-mb', '800', '--memory-mb', '900'];
  const limited = ['-c', 'ulimit -d 262144; exec "$0" "$@"', command, ...args];
  const { stdout, stderr } = spawnSync('bash', limited, { env, encoding: 'utf8' });
  if (!stdout.startsWith('{')) return t.skip(`the shell does not start in 256 MB: ${stderr}`);
  const r = JSON.parse(stdout);
  assert.equal(r.end, 'memory', stdout);
  assert.equal(r.stdout, 'before\n');
});
