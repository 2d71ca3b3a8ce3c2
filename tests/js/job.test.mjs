// job, what a job's value and errors become, and randomness across cells.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileOf, runCases, runJob, shellCommand } from './shell.mjs';

test('job tells id, tenant, attempt, input and env', () => {
  const r = runCases(
    `show('all', { id: typeof job.id, tenant: typeof job.tenant, attempt: job.attempt, input: job.input, env: job.env });
     show('same', job.input === job.input && job.env === job.env);
     show('keys', Object.keys(job)); show('frozen', Object.isFrozen(job));
     try { 'use strict'; job.id = 5; show('write', 'no error'); } catch (e) { show('write', e.name); }
     job.input.list.push(4); show('input is plain data', job.input.list.length);`,
    '--input', '{"list":[1,2,3],"__proto__":{"x":1}}', '--env', '{"A":"1"}');
  assert.deepEqual(r.all, {
    id: 'string', tenant: 'string', attempt: 1,
    input: JSON.parse('{"list":[1,2,3],"__proto__":{"x":1}}'), env: { A: '1' },
  });
  assert.equal(r.same, true);
  assert.deepEqual(r.keys, ['id', 'tenant', 'attempt', 'input', 'env', 'parents', 'artifacts']);
  assert.equal(r.frozen, true);
  assert.equal(r.write, 'TypeError');
  assert.equal(r['input is plain data'], 4);
});

test('a job without input has undefined', () => {
  assert.deepEqual(runCases(`show('input', typeof job.input)`), { input: 'undefined' });
});

test('parents are the results of the jobs it waited for, {} without any', () => {
  const text = '{"a":{"outcome":"ok","value":{"n":1}},"__proto__":{"outcome":"threw","value":null}}';
  const r = runJob(`console.log(job); export default [job.parents === job.parents, job.parents.a.value.n, Object.keys(job.parents)]`, '--parents', text);
  assert.deepEqual(r.value, [true, 1, ['a', '__proto__']]);
  assert.match(r.stdout, /parents: \{\s+a: \{ outcome: 'ok', value: \[Object\] \}/);
  assert.deepEqual(runJob(`export default job.parents`).value, {});
});

test('console.log(job) shows it', () => {
  const r = runJob(`console.log(job)`, '--input', '[1]');
  assert.match(r.stdout, /^job \{\s+id: '.*',\s+tenant: '.*',\s+attempt: 1,\s+input: \[ 1 \],\s+env: \{\}\s+\}\n$/);
});

test('the default export gets the input, whatever became of globalThis.job', () => {
  const r = runJob(`globalThis.job = null; export default (input) => input.n + 1`, '--input', '{"n":41}');
  assert.equal(r.value, 42);
});

test('progress is checked', () => {
  const r = runCases(`
    const attempt = (...args) => { try { job.progress(...args); return 'ok'; } catch (e) { return e.name + ': ' + e.message; } };
    show('good', [attempt(0), attempt(1, ''), attempt(0.5, 'half'), attempt(0.5, 'x'.repeat(1024)), attempt(0.5, undefined)]);
    show('below', attempt(-0.1)); show('above', attempt(1.1)); show('nan', attempt(NaN)); show('text', attempt('0.5'));
    show('long', attempt(0.5, 'x'.repeat(1025))); show('wide', attempt(0.5, '\\u4e2d'.repeat(342))); show('type', attempt(0.5, 7));`);
  assert.deepEqual(r.good, ['ok', 'ok', 'ok', 'ok', 'ok']);
  assert.match(r.below, /^RangeError: job.progress: the fraction must be a number from 0 to 1, found -0.1$/);
  assert.match(r.above, /^RangeError/);
  assert.match(r.nan, /^RangeError.*NaN/);
  assert.match(r.text, /^RangeError.*'0.5'/);
  assert.match(r.long, /^RangeError.*1025 bytes.*1024/);
  assert.match(r.wide, /^RangeError.*1026 bytes/);
  assert.match(r.type, /^TypeError.*number/);
});

// ---- values -------------------------------------------------------------------------------------
for (const [source, value] of [
  ['({ a: 1, b: [null, "x"], c: { d: true } })', { a: 1, b: [null, 'x'], c: { d: true } }],
  ['"text"', 'text'],
  ['0', 0],
  ['null', null],
  ['[undefined, () => {}, Symbol()]', [null, null, null]],
  ['({ toJSON() { return "own" } })', 'own'],
  ['new Date(0)', '1970-01-01T00:00:00.000Z'],
  ['Promise.resolve({ late: 1 })', { late: 1 }],
  ['async () => "from function"', 'from function'],
  ['new Map([[1, 2]])', {}],
  ['"\\ud800"', '\ud800'],
]) {
  test(`value: ${source}`, () => {
    const r = runJob(`export default ${source}`);
    assert.equal(r.end, 'ok');
    assert.deepEqual(r.value, value);
  });
}

for (const source of ['undefined', 'Symbol("s")', 'Promise.resolve()', '({ toJSON() {} })']) {
  test(`no value: ${source}`, () => {
    const r = runJob(`export default ${source}`);
    assert.equal(r.end, 'ok');
    assert.equal(r.value, undefined);
  });
}

for (const [source, message] of [
  ['10n', /^the job's value cannot be written as JSON: Do not know how to serialize a BigInt$/],
  ['(() => { const o = {}; o.o = o; return o })()', /cannot be written as JSON: Converting circular structure to JSON/],
  ['({ toJSON() { throw new Error("mine") } })', /cannot be written as JSON: mine/],
  ['({ get x() { throw "text" } })', /cannot be written as JSON: Uncaught 'text'/],
]) {
  test(`no JSON: ${source}`, () => {
    const r = runJob(`export default ${source}`);
    assert.equal(r.end, 'threw');
    assert.equal(r.name, 'TypeError');
    assert.match(r.message, message);
  });
}

// ---- errors -------------------------------------------------------------------------------------
for (const [source, name, message] of [
  ['new Error("plain")', 'Error', /^plain$/],
  ['new (class MyError extends Error { name = "MyError" })("own")', 'MyError', /^own$/],
  ['"text"', 'Error', /^Uncaught 'text'$/],
  ['42', 'Error', /^Uncaught 42$/],
  ['null', 'Error', /^Uncaught null$/],
  ['undefined', 'Error', /^Uncaught undefined$/],
  ['({ code: 5 })', 'Error', /^Uncaught \{ code: 5 \}$/],
  ['Symbol("s")', 'Error', /^Uncaught Symbol\(s\)$/],
  ['Object.create(null)', 'Error', /^Uncaught \[Object: null prototype\] \{\}$/],
  ['new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })', 'Error', /^Uncaught Proxy\(\{\}\)$/],
  ['new Proxy(new Error("inside"), { get() { throw 1 } })', 'Error', /^Uncaught Proxy\(Error: inside/],
  ['(() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy })()', 'Error', /Revoked Proxy/],
  ['Object.defineProperty(new Error("m"), "name", { get() { throw 1 } })', 'Error', /^m$/],
  ['Object.defineProperty(new Error("m"), "message", { get() { throw 1 } })', 'Error', /^$/],
  ['Object.defineProperty(new Error("m"), "stack", { get() { throw 1 } })', 'Error', /^m$/],
  ['Object.assign(new Error("m"), { name: 5, message: {} })', 'Error', /^$/],
  ['({ [Symbol.for("nodejs.util.inspect.custom")]() { throw new Error("no") } })', 'Error', /^Uncaught \{/],
  ['({ get [Symbol.toStringTag]() { throw 1 }, get constructor() { throw 2 } })', 'Error', /^Uncaught /],
  ['Object.create(new Proxy({}, { getPrototypeOf() { throw 1 } }))', 'Error', /^Uncaught /],
  ['new DOMException("dom", "AbortError")', 'AbortError', /^dom$/],
]) {
  test(`thrown: ${source}`, () => {
    const r = runJob(`throw ${source}`);
    assert.equal(r.end, 'threw');
    assert.equal(r.name, name);
    assert.match(r.message, message);
    assert.equal(typeof r.stack, 'string');
  });
}

test('the stack shows the cause and further properties, and no frame of ours', () => {
  const r = runJob(`
    function fail() { throw Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'E' }); }
    setTimeout(fail, 1);`);
  assert.match(r.stack, /^Error: outer\n {4}at fail \(.*:2:\d+\)/);
  assert.match(r.stack, /\[cause\]: TypeError: inner/);
  assert.match(r.stack, /code: 'E'/);
  assert.doesNotMatch(r.stack, /isolane:/);
  assert.equal(r.line, 2);
});

test("Error.prepareStackTrace is the script's to use", () => {
  const r = runCases(`
    Error.prepareStackTrace = (error, sites) => ({ message: error.message, sites: sites.length, array: Array.isArray(sites) });
    show('made', new Error('x').stack);
    Error.prepareStackTrace = undefined;
    show('text', new Error('y').stack.split('\\n')[0]);
    Error.stackTraceLimit = 0; show('none', new Error('z').stack);`);
  assert.deepEqual(r.made, { message: 'x', sites: 1, array: true });
  assert.equal(r.text, 'Error: y');
  assert.equal(r.none, 'Error: z');
});

test('what is nested too deeply to be shown is cut, not fatal', () => {
  const r = runJob(`let o = []; for (let i = 0; i < 100000; i++) o = [o];
    console.dir(o, { depth: null }); console.log('after'); throw new Error('deep', { cause: o });`, '--output-kb', '100000');
  assert.match(r.stdout, /Maximum call stack size exceeded\.\][\s\S]*\nafter\n$/);
  assert.equal(r.message, 'deep');
});

// ---- randomness ---------------------------------------------------------------------------------
test('100 cells of one zygote draw different random numbers from every source', () => {
  const script = fileOf(`console.log(Math.random(), crypto.randomUUID(), sodium.randombytesRandom(),
    sodium.bin2hex(sodium.cryptoSignKeypair().publicKey), crypto.getRandomValues(new BigUint64Array(1))[0]);`);
  const { command, env } = shellCommand();
  const run = spawnSync(command, [script, '--fork', '100'], { env, encoding: 'utf8' });
  const rows = run.stdout.split('\n').filter((line) => /^0\.\d+ /.test(line)).map((line) => line.split(' '));
  assert.equal(rows.length, 100, run.stderr.slice(0, 500));
  for (let column = 0; column < 5; column++)
    assert.equal(new Set(rows.map((row) => row[column])).size, 100, `column ${column}`);
});

test('Math.random is uniform on [0, 1) with 53 bits', () => {
  const r = runCases(`
    const n = 100000, bins = new Array(16).fill(0); let sum = 0, least = 1, most = 0, odd = 0;
    for (let i = 0; i < n; i++) { const x = Math.random(); sum += x; bins[Math.floor(x * 16)]++;
      least = Math.min(least, x); most = Math.max(most, x); if ((x * 2 ** 53) % 2 === 1) odd++; }
    show('mean', sum / n); show('range', [least >= 0, most < 1]); show('odd', odd / n);
    show('chi', bins.reduce((s, b) => s + (b - n / 16) ** 2 / (n / 16), 0));`);
  assert.ok(Math.abs(r.mean - 0.5) < 0.01, `mean ${r.mean}`);
  assert.deepEqual(r.range, [true, true]);
  assert.ok(Math.abs(r.odd - 0.5) < 0.02, `lowest bit set in ${r.odd}`);
  assert.ok(r.chi < 60, `chi squared ${r.chi} over 15 degrees of freedom`);
});
