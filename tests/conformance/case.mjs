// A file of the conformance set: its header read, its job made, its result judged.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const KINDS = ['value', 'error', 'outcome', 'stdout', 'stderr', 'stderr-json'];

function fail(name, why) {
    throw new Error(`${name}: ${why}`);
}

function read_header(name, text) {
    const head = {};
    const lines = text.split('\n');
    let n = 0;
    for (; /^\/\/ [A-Z][a-z]+: /.test(lines[n] ?? ''); n++) {
        const [, key, value] = /^\/\/ ([A-Z][a-z]+): (.*)$/.exec(lines[n]);
        if (!['Behaviour', 'Spec', 'Covers', 'Job', 'Expect'].includes(key)) fail(name, `unknown header ${key}`);
        head[key] = value;
    }
    for (const key of ['Behaviour', 'Spec', 'Expect']) if (!head[key]) fail(name, `no header ${key}`);
    return { head, code: lines.slice(n).join('\n'), lines: n };
}

function read_expectation(name, text) {
    const [, kind, rest] = /^(\S+) (.+)$/.exec(text) ?? [];
    if (!KINDS.includes(kind)) fail(name, `Expect: found '${text}'; allowed: ${KINDS.join(', ')}`);
    if (kind === 'outcome') return { kind, outcome: rest };
    if (kind !== 'error') return { kind, value: rest === 'none' ? null : JSON.parse(rest) };
    const [, error, pattern, place] = /^(\w+) \/(.*)\/(?: (\d+:\d+))?$/.exec(rest) ?? fail(name, `Expect: found 'error ${rest}'; allowed: error NAME /PATTERN/ LINE:COLUMN`);
    return { kind, error, pattern: new RegExp(pattern), place };
}

function files_of(dir) {
    const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
    return Object.fromEntries(names.map((e) => join(e.parentPath, e.name)).map((p) => [relative(dir, p), readFileSync(p, 'utf8')]));
}

/** main: a file of dir; text: of one that stands alone, else all files of dir are the job's. */
export function case_of(name, dir, main, text) {
    const files = text === undefined ? files_of(dir) : null;
    const { head, code } = read_header(name, text ?? files[main]);
    const expect = read_expectation(name, head.Expect);
    if (expect.kind === 'value' && expect.value !== null && new RegExp(`^\\s*export default ${RegExp.escape(JSON.stringify(expect.value))};?\\s*$`).test(code))
        fail(name, 'it has nothing but the value that it expects');
    return {
        name,
        id: `c-${name.replaceAll('/', '-')}`,
        behaviour: head.Behaviour,
        covers: (head.Covers ?? '').split(', ').filter(Boolean),
        code,
        expect,
        job: { ...(files ? { files, main } : { script: text, name: main }), ...JSON.parse(head.Job ?? '{}') },
    };
}

/** null, or in words how the result is another than the header says. */
export function differs({ expect }, r) {
    if (!r) return 'there is no result';
    const how = JSON.stringify({ outcome: r.outcome, value: r.value, error: r.error && [r.error.name, r.error.message, r.error.line, r.error.column], stdout: r.stdout, stderr: r.stderr });
    if (expect.kind === 'outcome') return r.outcome === expect.outcome ? null : how;
    if (expect.kind === 'error') {
        const fits = r.outcome === 'threw' && r.error.name === expect.error && expect.pattern.test(r.error.message) && (!expect.place || `${r.error.line}:${r.error.column}` === expect.place);
        return fits ? null : how;
    }
    if (r.outcome !== 'ok') return how;
    if (expect.kind === 'value') return isDeepStrictEqual(r.value, expect.value) ? null : how;
    if (expect.kind === 'stderr-json') {
        const { time, ...line } = JSON.parse(r.stderr);
        return !Number.isNaN(Date.parse(time)) && isDeepStrictEqual(line, expect.value) ? null : how;
    }
    return r[expect.kind] === expect.value ? null : how;
}
