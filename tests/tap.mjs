// node:test reporter: TAP as prove reads it. Node's own `tap` reporter puts a test's error into a YAML
// block, which prove neither shows nor always parses; here each failure is told on stderr, so that it is
// seen in the middle of prove's table, and the TAP stream keeps to plan, ok and not ok.
//
//   node --test-reporter=./tests/tap.mjs FILE
import { inspect } from 'node:util';
import { relative } from 'node:path';

const one_line = (text) => String(text).replace(/\s+/g, ' ').replace(/#/g, '\\#').trim();

function directive(data) {
    if (data.skip !== undefined) return ` # SKIP ${data.skip === true ? '' : one_line(data.skip)}`;
    if (data.todo !== undefined) return ` # TODO ${data.todo === true ? '' : one_line(data.todo)}`;
    return '';
}

function explain(data) {
    const error = data.details?.error;
    const cause = error?.cause ?? error;
    const where = data.file ? `${relative(process.cwd(), data.file)}:${data.line}` : '';
    const text = typeof cause === 'string' ? cause : (cause?.stack ?? inspect(cause));
    const extra = cause && 'expected' in cause && !/expected/i.test(cause.message ?? '')
        ? `\nexpected: ${inspect(cause.expected)}\n  actual: ${inspect(cause.actual)}` : '';
    const lines = `${data.name}  (${where})\n${text}${extra}`.split('\n')
        .filter((line) => !/^\s+at .*node:internal/.test(line));
    return lines.map((line) => `#   ${line}\n`).join('');
}

export default async function* tap(source) {
    let number = 0;
    yield 'TAP version 13\n';
    for await (const { type, data } of source) {
        if (type !== 'test:pass' && type !== 'test:fail') continue;
        const subtests_failed = data.details?.error?.failureType === 'subtestsFailed';
        if (type === 'test:fail' && !subtests_failed) process.stderr.write(`\n${explain(data)}`);
        if (data.nesting > 0) continue;
        number++;
        yield `${type === 'test:fail' ? 'not ok' : 'ok'} ${number} - ${one_line(data.name)}${directive(data)}\n`;
    }
    yield `1..${number}\n`;
}
