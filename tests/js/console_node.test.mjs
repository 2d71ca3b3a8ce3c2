// console prints what Node prints: every expression of console_cases.mjs runs in both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cases } from './console_cases.mjs';
import { runJob, runNode } from './shell.mjs';

const MARK = '\u0001case ';

// All cases in one script; a mark before each on both streams.
const script = cases
  .map(
    (source, i) =>
      `console.log(${JSON.stringify(MARK + i)}); console.error(${JSON.stringify(MARK + i)});\n` +
      `{ try {\n${source}\n} catch (error) { console.log('threw ' + error.message) } }\n`,
  )
  .join('');

// Frames name files and lines of each engine's own; Node and we hide different ones of them.
const normal = (text) =>
  text
    .split('\n')
    .filter((line) => !/^\s+(at |\.\.\. \d+ lines matching)/.test(line))
    .map((line) => line.replace(/ at .*\{$/, ' {').replace(/^\(node:\d+\) /, ''))
    .join('\n');

function split(output) {
  const parts = new Map();
  for (const part of normal(output).split(MARK).slice(1)) {
    const end = part.indexOf('\n');
    parts.set(Number(part.slice(0, end)), part.slice(end + 1));
  }
  return parts;
}

const ours = runJob(script, '--output-kb', '20000', '--allow-sab');
const nodes = runNode(script);

test('the script of all cases runs to its end in both', () => {
  assert.equal(ours.end, 'ok', JSON.stringify(ours).slice(0, 2000));
  assert.equal(nodes.status, 0, nodes.stderr);
});

for (const stream of ['stdout', 'stderr']) {
  const mine = split(ours[stream]);
  const theirs = split(nodes[stream]);
  cases.forEach((source, i) => {
    // Most cases print nothing on stderr: no test of its own for those.
    if (stream === 'stderr' && !mine.get(i) && !theirs.get(i)) return;
    test(`${stream}: ${source.slice(0, 120)}`, () => assert.equal(mine.get(i), theirs.get(i)));
  });
}
