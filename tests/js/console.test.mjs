// What of console cannot be compared with Node to the letter: durations, stacks, streams, reset.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from './shell.mjs';

test('time, timeLog and timeEnd print durations, and warn of labels there are not', () => {
  const r = runJob(`console.time(); console.time('x'); await new Promise((f) => setTimeout(f, 20));
    console.timeLog('x', 'more', { a: 1 }); console.timeEnd('x'); console.timeEnd(); console.timeEnd(); console.time('y'); console.time('y'); console.timeLog('z');
    console.countReset('n');`);
  assert.match(r.stdout, /^x: \d+(\.\d+)?ms more \{ a: 1 \}\nx: \d+(\.\d+)?ms\ndefault: \d+(\.\d+)?ms\n$/);
  assert.equal(r.stderr, [
    "Warning: No such label 'default' for console.timeEnd()",
    "Warning: Label 'y' already exists for console.time()",
    "Warning: No such label 'z' for console.timeLog()",
    "Warning: Count for 'n' does not exist", ''].join('\n'));
});

test('trace prints its text and where it was called', () => {
  const r = runJob(`function here() { console.trace('text %s', 'x', { a: 1 }); } here(); console.trace();`, '--name', 'trace.mjs');
  assert.equal(r.stderr, 'Trace: text x { a: 1 }\n    at here (trace.mjs:1:27)\n    at trace.mjs:1:62\nTrace\n    at trace.mjs:1:78\n');
  assert.equal(r.stdout, '');
});

test('each method writes to its stream', () => {
  const r = runJob(`for (const m of ['log', 'info', 'debug', 'dir', 'dirxml', 'group', 'groupCollapsed']) { console[m]('out ' + m); console.groupEnd(); }
    for (const m of ['warn', 'error']) console[m]('err ' + m); console.assert(false, 'err assert'); console.trace('err trace');`);
  assert.ok(r.stdout.split('\n').every((line) => line === '' || /^(')?out /.test(line)), r.stdout);
  assert.ok(r.stderr.split('\n').every((line) => /^$|^err |^Assertion failed: err|^Trace: err|^ {4}at /.test(line)), r.stderr);
});

test('text reaches the output as UTF-8; halves of surrogate pairs as U+FFFD', () => {
  const r = runJob(`console.log('h\\u00e9\\u4e2d\\ud83d\\ude00 \\ud800!')`);
  assert.equal(r.stdout, 'hé中😀 \ufffd!\n');
});

test('a thousand nested groups, unmatched groupEnd, lines of a group', () => {
  const r = runJob(`console.groupEnd(); for (let i = 0; i < 1000; i++) console.group(); console.log('a\\nb');
    for (let i = 0; i < 1500; i++) console.groupEnd(); console.log('c');`);
  assert.equal(r.stdout, `${' '.repeat(2000)}a\n${' '.repeat(2000)}b\nc\n`);
});

test('frames shared with the cause are told as a count, as in Node', () => {
  const r = runJob(`function a() { return b(); } function b() { return c(); } function c() { return d(); } function d() { return e(); }
    function e() { return new Error('outer', { cause: f() }); } function f() { return new Error('inner'); } console.log(a());`);
  assert.match(r.stdout, /^Error: outer\n {4}at e .*\n {4}at d .*\n {4}\.\.\. 3 lines matching cause stack trace \.\.\.\n {4}at .*\{\n {2}\[cause\]: Error: inner\n/);
});
