// How errors are told: name, message, stack, line and column, as a script's author knows them from Node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from '../js/shell.mjs';

function threw(source, ...options) {
  const r = runJob(source, '--name', 'script.mjs', ...options);
  assert.equal(r.end, 'threw', JSON.stringify(r));
  return r;
}

const place = (r) => [r.line, r.column];

test('an exception: place of the error, stack without internal frames', () => {
  const r = threw('\nfunction f() { null.x }\nf();');
  assert.equal(r.name, 'TypeError');
  assert.equal(r.message, "Cannot read properties of null (reading 'x')");
  assert.deepEqual(place(r), [2, 21]);
  assert.equal(
    r.stack,
    "TypeError: Cannot read properties of null (reading 'x')\n    at f (script.mjs:2:21)\n    at script.mjs:3:1",
  );
});

test('an exception in a classic script, and its output is kept', () => {
  const r = threw('console.log("before");\nundefinedName', '--script');
  assert.equal(r.name, 'ReferenceError');
  assert.deepEqual(place(r), [2, 1]);
  assert.equal(r.stdout, 'before\n');
});

test('asynchronous errors', () => {
  const r = threw('export default async () => {\n  await null;\n  throw new RangeError("late");\n}');
  assert.deepEqual([r.name, r.message, ...place(r)], ['RangeError', 'late', 3, 9]);
});

test('a syntax error shows where', () => {
  const r = threw('const a = 1;\n  let x = ;\n');
  assert.equal(r.name, 'SyntaxError');
  assert.deepEqual(place(r), [2, 11]);
  assert.equal(
    r.stack,
    "script.mjs:2\n  let x = ;\n          ^\nSyntaxError: Unexpected token ';'",
  );
});

test('a syntax error in one very long line, with tabs and other scripts', () => {
  const long = threw(`${'a+'.repeat(5000)}1 1;${'b;'.repeat(5000)}`);
  const [, line, caret] = long.stack.split('\n');
  assert.ok(line.length <= 120, `${line.length}`);
  assert.equal(line[caret.indexOf('^')], '1');
  const tabs = threw('\tlet ü = "日本", y = 1 2;');
  assert.equal(tabs.line, 1);
  assert.ok(tabs.stack.split('\n')[2].startsWith('\t'));
});

test('an unhandled rejection ends the job, one that is handled in time does not', () => {
  const r = threw('Promise.reject(new RangeError("nope")); export default 1');
  assert.deepEqual([r.name, r.message, ...place(r)], ['RangeError', 'nope', 1, 16]);
  const plain = threw('\nPromise.reject("text")');
  assert.match(plain.message, /text/);
  assert.equal(plain.line, 2);
  assert.equal(
    runJob('const p = Promise.reject(1); p.catch(() => {}); export default 3').value,
    3,
  );
  assert.equal(
    runJob('const p = Promise.reject(1); queueMicrotask(() => p.catch(() => {})); export default 4')
      .value,
    4,
  );
});

test('an unhandled rejection in a timer, after the value was known', () => {
  const r = threw('setTimeout(async () => { throw new Error("x") }, 5); export default 1');
  assert.equal(r.message, 'x');
});

test('an exception in a timer ends the job; later timers do not run', () => {
  const r = threw(
    'setTimeout(() => { throw new TypeError("in timer") }, 5);\nsetTimeout(() => console.log("never"), 30);',
  );
  assert.deepEqual([r.name, r.message, ...place(r)], ['TypeError', 'in timer', 1, 26]);
  assert.equal(r.stack, 'TypeError: in timer\n    at script.mjs:1:26');
  assert.equal(r.stdout, '');
});

test('an exception in queueMicrotask and in a FinalizationRegistry', () => {
  assert.equal(threw('queueMicrotask(() => { throw new Error("micro") })').message, 'micro');
  const fin = threw(
    `const r = new FinalizationRegistry(() => { throw new Error("fin") }); r.register({}, 1);
     for (let i = 0; i < 200; i++) { new Array(1e5).fill(i); await new Promise((r) => setTimeout(r, 1)) }`,
  );
  assert.equal(fin.message, 'fin');
});

test('errors made by built-ins have the place of the call in the script', () => {
  const r = threw('\n\n  structuredClone(() => 1);');
  assert.deepEqual([r.name, r.line], ['DataCloneError', 3]);
  assert.doesNotMatch(r.stack, /isolane:/);
});

test('no internal frame is shown to the script either', () => {
  const r = runJob(
    `const stacks = []; const keep = (e) => stacks.push(e.stack);
     try { structuredClone(() => 1) } catch (e) { keep(e) }
     try { new TextDecoder("x") } catch (e) { keep(e) }
     setTimeout(() => keep(new Error("t"))); [3].forEach(() => keep(new Error("f")));
     await new Promise((r) => setTimeout(r, 5));
     export default stacks.join("\\n")`,
  );
  assert.equal(r.end, 'ok', r.message);
  assert.doesNotMatch(r.value, /isolane/);
});

test('what is thrown need not be an error', () => {
  for (const what of ['5', 'undefined', 'null', '"text"', 'Symbol("s")', '{ a: 1 }', '10n']) {
    const r = threw(`throw ${what}`);
    assert.equal(r.name, 'Error', what);
    assert.ok(r.message.length > 0, what);
  }
  assert.deepEqual(place(threw('\n throw 5', '--script')), [2, 2]);
});

test('a job whose promise never settles says so, with the await', () => {
  const r = threw('\nconst x = 1;\nawait new Promise(() => {});');
  assert.equal(r.message, "the job's promise never settled: nothing is left to wait for");
  assert.deepEqual(place(r), [3, 1]);
  assert.equal(threw('export default new Promise(() => {})').message, r.message);
  assert.equal(threw('new Promise(() => {})', '--script').message, r.message);
});

test('stack overflow', () => {
  const r = threw('(function f() { f() })()');
  assert.deepEqual([r.name, r.message], ['RangeError', 'Maximum call stack size exceeded']);
});

test('overlong messages and stacks are cut at a character', () => {
  const r = threw('throw new Error("ü".repeat(1e5))');
  assert.ok(Buffer.byteLength(r.message) <= 64 << 10);
  assert.match(r.message, /^ü+$/);
});
