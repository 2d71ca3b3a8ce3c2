// test262's files: front matter, which scenarios a file is, and the source of each (INTERPRETING.md of test262).
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** Paths of all tests below a folder of test262/test, sorted. */
export function find_tests(root, filter) {
    const out = [];
    const walk = (dir) => {
        for (const entry of readdirSync(dir, { withFileTypes: true })) {
            const path = join(dir, entry.name);
            if (entry.isDirectory()) walk(path);
            else if (entry.name.endsWith('.js') && !entry.name.includes('_FIXTURE')) out.push(relative(join(root, 'test'), path));
        }
    };
    const top = join(root, 'test', filter ?? '');
    if (top.endsWith('.js')) return [filter];
    walk(top);
    return out.sort();
}

function list_of(yaml, key) {
    const inline = new RegExp(`^${key}:\\s*\\[([^\\]]*)\\]`, 'm').exec(yaml);
    if (inline) return inline[1].split(',').map((s) => s.trim()).filter(Boolean);
    const block = new RegExp(`^${key}:\\s*\\n((?:\\s+-\\s.*\\n?)+)`, 'm').exec(yaml);
    return block ? block[1].split('\n').map((s) => s.replace(/^\s+-\s*/, '').trim()).filter(Boolean) : [];
}

/** {text, flags, includes, features, negative: {phase, type} or null} */
export function read_test(root, path) {
    const text = readFileSync(join(root, 'test', path), 'utf8');
    const yaml = (/\/\*---\r?\n?([\s\S]*?)---\*\//.exec(text)?.[1] ?? '').replace(/\r\n?/g, '\n');
    const negative = /^negative:\s*\n((?:\s+\w+:.*\n?)+)/m.exec(yaml)?.[1];
    const of = (name) => new RegExp(`${name}:\\s*(\\w+)`).exec(negative)?.[1];
    return {
        path, text,
        flags: list_of(yaml, 'flags'),
        includes: list_of(yaml, 'includes'),
        features: list_of(yaml, 'features'),
        negative: negative ? { phase: of('phase'), type: of('type') } : null,
    };
}

// What a host would have to give and neither a cell nor the programs it is compared with do here.
const HOOKS = [
    [/\$262\.createRealm|\bcreateRealm\b/, 'another realm ($262.createRealm)'],
    [/\$262\.agent\b|atomicsHelper|testAtomics\.js[\s\S]*\$262\.agent/, 'other agents ($262.agent)'],
    [/\$262\.evalScript/, 'global code at run time ($262.evalScript)'],
    [/\$262\.gc\b|host-gc-required/, 'garbage collection on demand ($262.gc)'],
    [/\bIsHTMLDDA\b/, '[[IsHTMLDDA]]'],
    [/AbstractModuleSource|<module source>/, 'module sources of its own ($262.AbstractModuleSource)'],
];
const FLAGS = { CanBlockIsFalse: 'an agent that cannot block', CanBlockIsTrue: null };

/** Why a test is not run, or null. */
export function skipped(t) {
    for (const [pattern, reason] of HOOKS) if (pattern.test(t.text)) return reason;
    for (const flag of t.flags) if (FLAGS[flag]) return FLAGS[flag];
    return null;
}

// A rejection that nobody handles is no failure of a test.
const PRELUDE = `{ if (typeof addEventListener === 'function') addEventListener('unhandledrejection', (e) => e.preventDefault());
const hidden = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
const say = console.log; hidden('print', (x) => say(String(x)));
hidden('$262', { detachArrayBuffer(b) { b.transfer(); }, global: globalThis, agent: {} }); }
`;

const harness_files = new Map();
function harness(root, name) {
    if (!harness_files.has(name)) harness_files.set(name, readFileSync(join(root, 'harness', name), 'utf8'));
    return harness_files.get(name);
}

function prelude(root, t) {
    if (t.flags.includes('raw')) return '';
    const names = ['assert.js', 'sta.js', ...(t.flags.includes('async') ? ['doneprintHandle.js'] : []), ...t.includes];
    return PRELUDE + names.map((name) => harness(root, name)).join('\n');
}

// The test and the files of its folder that it names, and those they name.
function with_fixtures(root, t) {
    const folder = dirname(join(root, 'test', t.path));
    const files = {};
    const add = (path, text) => {
        if (files[path] !== undefined) return;
        files[path] = text;
        for (const [, name] of text.matchAll(/['"`](\.\.?\/[^'"`\n]+)['"`]/g)) {
            const next = join(dirname(path), name);
            const whole = join(folder, next);
            if (!next.startsWith('..') && existsSync(whole) && files[next] === undefined) {
                const bytes = readFileSync(whole);
                if (next.endsWith('.js')) add(next, bytes.toString());
                else files[next] = { base64: bytes.toString('base64') };
            }
        }
    };
    add(basename(t.path), t.text);
    return files;
}

const quoted = JSON.stringify;

/** [{mode, script} or {mode, files, main}]: what is run of a test, each by itself. */
export function scenarios(root, t) {
    const before = prelude(root, t);
    const modes = t.flags.includes('module') ? ['module'] : t.flags.includes('raw') ? ['raw']
        : t.flags.includes('onlyStrict') ? ['strict'] : t.flags.includes('noStrict') ? ['sloppy'] : ['sloppy', 'strict'];
    const imports = /\bimport\s*[.(]|\bimport\b.*\bfrom\b/.test(t.text);
    return modes.map((mode) => {
        if (mode !== 'module' && !imports) {
            const strict = mode === 'strict' ? '"use strict";\n' : '';
            // The completion value is nobody's business; a raw test is taken as it is.
            return { mode, script: mode === 'raw' ? t.text : `${strict}${before}\n${t.text}\n;void 0;` };
        }
        const files = with_fixtures(root, t);
        const name = basename(t.path);
        const text = (name) => `await import('./${name}', { with: { type: 'text' } }).then((m) => m.default)`;
        files['__before.txt'] = before;
        if (mode !== 'module') files['__test.txt'] = (mode === 'strict' ? '"use strict";\n' : '') + t.text;
        files['__run.mjs'] = `(0, eval)(${text('__before.txt')});\n` + (mode === 'module' ? `await import(${quoted(`./${name}`)});` : `(0, eval)(${text('__test.txt')});`);
        files['package.json'] = '{"type": "module"}';
        return { mode, files, main: '__run.mjs' };
    });
}

/** Did it end as it has to? how: {ended: 'ok' | 'threw' | other, name, message, stdout} */
export function passed(t, how) {
    if (t.negative) return how.ended === 'threw' && (how.name === t.negative.type || String(how.message).includes(t.negative.type));
    if (how.ended !== 'ok') return false;
    return !t.flags.includes('async') || how.stdout.split('\n').includes('Test262:AsyncTestComplete');
}
