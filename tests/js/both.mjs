// Scripts that must print here what they print in Node: `both({ name: source })` makes one test each. The
// source is the body of an async function that may call show(value, …).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob, runNode } from './shell.mjs';

// A value's text that both sides write alike; errors by class and name, text left out.
const prelude = `
const plain = (v) => {
  if (v instanceof Error || (typeof DOMException === 'function' && v instanceof DOMException)) return 'error ' + v.name;
  if (ArrayBuffer.isView(v)) return v.constructor.name + '[' + Array.from(new Uint8Array(v.buffer, v.byteOffset, v.byteLength)) + ']';
  if (v instanceof ArrayBuffer) return 'ArrayBuffer[' + Array.from(new Uint8Array(v)) + ']';
  if (Array.isArray(v)) return v.map(plain);
  if (v && typeof v === 'object' && Object.getPrototypeOf(v) === Object.prototype)
    return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
  if (v === undefined) return 'undefined';
  if (typeof v === 'function') return 'function ' + v.name;
  if (typeof v === 'bigint' || typeof v === 'symbol' || (typeof v === 'number' && !Number.isFinite(v))) return String(v);
  return v;
};
const failure = async (f) => { try { return ['no error', await f()]; } catch (e) { return e; } };
const cases = [];
const add = (name, run) => cases.push([name, run]);
`;
const epilogue = `
for (const [name, run] of cases) {
  const told = [];
  try { await run((...values) => told.push(plain(values.length === 1 ? values[0] : values))); }
  catch (e) { told.push('threw ' + e.name + ': ' + e.message); }
  console.log('CASE ' + JSON.stringify([name, told]));
}
`;

function casesOf(text) {
  const lines = text.split('\n').filter((line) => line.startsWith('CASE '));
  return Object.fromEntries(lines.map((line) => JSON.parse(line.slice(5))));
}

export function both(cases, { here = {}, options = [] } = {}) {
  const source = prelude + Object.entries(cases)
    .map(([name, body]) => `add(${JSON.stringify(name)}, async (show) => {\n${body}\n});\n`).join('') + epilogue;
  const node = runNode(source);
  const job = runJob(source, ...options);
  const ours = casesOf(job.stdout);
  const theirs = casesOf(node.stdout);
  for (const name of Object.keys(cases)) {
    test(name, () => {
      assert.ok(theirs[name], `Node did not get there: ${node.stderr}`);
      assert.ok(ours[name], `the job ended ${job.end}: ${job.message ?? ''} ${job.stderr}`);
      // `here`: where Node is known to differ from the standard, what the standard says.
      assert.deepEqual(ours[name], here[name] ?? theirs[name]);
      assert.ok(!ours[name].some((t) => typeof t === 'string' && t.startsWith('threw ')) , String(ours[name]));
      assert.ok(ours[name].length > 0, 'the case shows nothing');
    });
  }
}
