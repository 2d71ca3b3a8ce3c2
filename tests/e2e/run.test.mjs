// `isolane run`: scripts without a queue.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { assert_result_shape } from './lib/client.mjs';
import { fresh_folder, program, scratch } from './lib/place.mjs';
import { isolane, is_gone, descendants_of, sleep, start, until } from './lib/process.mjs';

const data = fresh_folder();
let scripts = 0;
function script(text, name = `script-${++scripts}.mjs`) {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
}

const run = (args, options) => isolane(['run', ...args, '--data', data], options);
/** Runs one script with --json: its result object, with the exit code in `code`. */
async function result_of(text, args = [], options) {
    const end = await run([script(text), '--json', ...args], options);
    assert.equal(end.stdout.split('\n').length, 2, `one line: ${end.stdout}${end.stderr}`);
    return { ...assert_result_shape(JSON.parse(end.stdout)), code: end.code };
}

test('one file behaves as `node FILE`: both streams pass through, exit 0, nothing added', async () => {
    const end = await run([script('console.log("out 1"); console.error("err 1"); console.log("out 2"); export default 5')]);
    assert.deepEqual(end, { code: 0, signal: null, stdout: 'out 1\nout 2\n', stderr: 'err 1\n' });
});

test('a job that throws: its stack on stderr, exit 1', async () => {
    const path = script('console.log("before");\nfunction deep() { throw new TypeError("no good") }\ndeep();', 'throws.mjs');
    const end = await run([path]);
    assert.equal(end.code, 1);
    assert.equal(end.stdout, 'before\n');
    assert.match(end.stderr, /^TypeError: no good\n {4}at deep \(.*throws\.mjs:2:25\)/m);
});

test('a budget used up: one line on stderr that names it, what was printed stays, exit 1', async () => {
    const end = await run([script('console.log("on my way"); for (;;);'), '--cpu-ms', '50']);
    assert.equal(end.code, 1);
    assert.equal(end.stdout, 'on my way\n');
    assert.match(end.stderr, /^isolane: cpu_exceeded: cpu_ms: the limit of 50 was reached.*\n$/);
});

test('output passes through while the script runs, not at its end', async () => {
    const path = script('console.log("first"); await new Promise((r) => setTimeout(r, 3000)); console.log("last")');
    const p = start(program, ['run', path, '--data', data]);
    await until('the first line', () => p.text.stdout === 'first\n', { timeout: 10_000 });
    assert.equal(p.child.exitCode, null, 'it still runs');
    const end = await p.ended;
    assert.equal(end.code, 0);
    assert.equal(end.stdout, 'first\nlast\n');
});

test('--json: one object with exactly the names of the result', async () => {
    const path = script('console.log("a"); console.warn("b"); export default { x: [1, null, "ü"] }');
    const end = await run([path, '--json', '--input', '{"k": 1}']);
    assert.equal(end.code, 0);
    assert.equal(end.stderr, '');
    const r = assert_result_shape(JSON.parse(end.stdout));
    assert.equal(r.state, 'done');
    assert.equal(r.outcome, 'ok');
    assert.equal(r.tenant, 'default');
    assert.equal(r.class, 'normal');
    assert.deepEqual(r.value, { x: [1, null, 'ü'] });
    assert.equal(r.stdout, 'a\n');
    assert.equal(r.stderr, 'b\n');
    assert.equal(r.truncated, false);
    assert.equal(r.error, null);
    assert.equal(r.attempts, 1);
    assert.match(r.engine, /^v8 \d+\.\d+/);
    assert.match(r.script_sha256, /^[0-9a-f]{64}$/);
    assert.match(r.input_sha256, /^[0-9a-f]{64}$/);
    assert.ok(r.usage.cpu_ms > 0 && r.usage.wall_ms > 0 && r.usage.heap_peak_bytes > 0, JSON.stringify(r.usage));
    assert.ok(Date.parse(r.started_at) <= Date.parse(r.finished_at));
    assert.ok(r.jail.includes('seccomp') && r.jail.includes('netns'), `jail: ${r.jail}`);
});

test('values: what JSON can say comes through; what it cannot is no value', async () => {
    for (const [text, value] of [
        ['export default 0', 0], ['export default ""', ''], ['export default false', false], ['export default null', null],
        ['export default -0.5e-7', -0.5e-7], ['export default [[], {}]', [[], {}]], ['export default "\\u0000\\u2028😀"', '\0\u2028😀'],
        ['export default undefined', null], ['export default Symbol("s")', null], ['1', null],
        ['export default new Date(0)', '1970-01-01T00:00:00.000Z'],
        ['export default async () => { await 0; return [1] }', [1]],
        ['export default Promise.resolve(7)', 7],
        ['export default (input) => input', null],
    ]) {
        const r = await result_of(text);
        assert.deepEqual([r.outcome, r.value], ['ok', value], text);
    }
});

test('a value that is no JSON is the script\'s error', async () => {
    for (const text of ['export default 10n', 'const a = {}; a.a = a; export default a', 'export default { toJSON() { throw new Error("mine") } }']) {
        const r = await result_of(text);
        assert.equal(r.outcome, 'threw', text);
        assert.match(r.error.message, /cannot be written as JSON/, text);
    }
});

test('a classic script\'s value is its completion value', async () => {
    const end = await run([script('var a = 20; a + 1;', 'classic.cjs'), '--json']);
    assert.equal(JSON.parse(end.stdout).value, 21);
    const forced = await run([script('this === globalThis', 'forced.js'), '--type', 'script', '--json']);
    assert.equal(JSON.parse(forced.stdout).value, true);
});

test('`-` is a script on stdin', async () => {
    const end = await run(['-', '--json'], { input: 'export default job.input + 1' + '\n' });
    assert.equal(JSON.parse(end.stdout).outcome, 'ok');
    const with_input = await run(['-', '--json', '--input', '41'], { input: 'export default job.input + 1' });
    assert.equal(JSON.parse(with_input.stdout).value, 42);
});

test('--input as text and from a file; --env; job', async () => {
    const file = join(scratch, 'input.json');
    writeFileSync(file, '{"name": "wörld", "list": [1, 2]}');
    const text = 'export default { input: job.input, env: job.env, attempt: job.attempt, tenant: job.tenant, id: typeof job.id }';
    const r = await result_of(text, ['--input', `@${file}`, '--env', 'MODE=fast', '--env', 'EMPTY=']);
    assert.deepEqual(r.value, {
        input: { name: 'wörld', list: [1, 2] }, env: { MODE: 'fast', EMPTY: '' }, attempt: 1, tenant: 'default', id: 'string',
    });
});

test('each limit can be given, and ends the job with its own outcome', async () => {
    for (const [outcome, text, ...args] of [
        ['cpu_exceeded', 'for (;;);', '--cpu-ms', '60'],
        ['wall_exceeded', 'await new Promise((r) => setTimeout(r, 60000))', '--wall-ms', '1500'],
        ['heap_exceeded', 'const a = []; for (;;) a.push(new Array(1000).fill(1.5))', '--heap-mb', '16', '--cpu-ms', '20000'],
        ['memory_exceeded', 'const a = []; for (;;) a.push(new Uint8Array(4e6).fill(1))', '--memory-mb', '48', '--cpu-ms', '20000'],
        ['output_exceeded', 'for (;;) console.log("x".repeat(99))', '--output-kb', '4', '--cpu-ms', '20000'],
    ]) {
        const r = await result_of(`console.log("began");\n${text}`, args);
        assert.equal(r.outcome, outcome, JSON.stringify(r).slice(0, 2000));
        assert.equal(r.code, 1);
        assert.ok(r.stdout.startsWith('began\n'), r.stdout.slice(0, 100));
        assert.ok(r.error.message.startsWith(args[0].slice(2).replace('-', '_')), r.error.message);
    }
});

test('a limit above the ceiling is an invalid job that says so', async () => {
    const r = await result_of('export default 1', ['--heap-mb', '4000']);
    assert.equal(r.outcome, 'invalid');
    assert.match(r.error.message, /limits\.heap_mb: found 4000; allowed: 8 to 512/);
});

test('a directory is a batch in the order of its names: other files and sub-folders are left out', async () => {
    const dir = fresh_folder('batch');
    mkdirSync(join(dir, 'inner.js'), { recursive: true });
    for (let i = 0; i < 12; i++)
        writeFileSync(join(dir, `job-${String(i).padStart(2, '0')}.js`), `console.log(${i}); export default ${i} * ${i}`);
    writeFileSync(join(dir, 'broken.mjs'), 'throw new Error("broken")');
    writeFileSync(join(dir, 'notes.txt'), 'not a script');
    writeFileSync(join(dir, '.hidden.js'), 'nor this');
    const end = await run([dir, '--json']);
    assert.equal(end.code, 1, end.stderr);
    const results = end.stdout.trim().split('\n').map((line) => assert_result_shape(JSON.parse(line)));
    assert.equal(results.length, 13);
    assert.equal(new Set(results.map((r) => r.id)).size, 13);
    assert.deepEqual(results.filter((r) => r.outcome === 'ok').map((r) => r.value).sort((a, b) => a - b),
        Array.from({ length: 12 }, (_, i) => i * i));
    assert.deepEqual(results.map((r) => r.seq).sort((a, b) => a - b), results.map((r) => r.seq), 'in the order of the chain');

    const table = await run([dir]);
    assert.equal(table.code, 1);
    for (const word of ['job-00.js', 'job-11.js', 'broken.mjs', 'threw', 'ok'])
        assert.ok(table.stdout.includes(word), `${word} in:\n${table.stdout}`);
    assert.ok(!/\x1b/.test(table.stdout), 'no escape sequences when it is no terminal');
    assert.equal(table.stderr, '');
});

test('several files and a folder with nothing', async () => {
    const end = await run([script('export default 1'), script('export default 2'), '--json']);
    assert.equal(end.code, 0);
    assert.deepEqual(end.stdout.trim().split('\n').map((l) => JSON.parse(l).value).sort(), [1, 2]);
    const empty = fresh_folder('empty');
    mkdirSync(empty);
    const none = await run([empty]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^isolane: folder .*empty.* has no scripts \(.js, .mjs, .cjs, .ts, .mts, .cts, .tsx\)\n$/);
});

test('a file that cannot be read: one line, exit 2', async () => {
    const missing = await run([join(scratch, 'missing.js')]);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /^isolane: cannot read .*missing\.js: No such file or directory\n$/);
    assert.equal(missing.stdout, '');
    const bytes = join(scratch, 'latin1.js');
    writeFileSync(bytes, Buffer.from('console.log("\xe4")', 'latin1'));
    const invalid = await run([bytes]);
    assert.equal(invalid.code, 2);
    assert.match(invalid.stderr, /^isolane: .*latin1\.js: found invalid UTF-8 at byte 13; allowed: UTF-8 text\n$/);
});

test('usage errors: one line that names the option, exit 2, nothing run', async () => {
    for (const [args, pattern] of [
        [[], /FILE\|DIR is missing; usage: isolane run/],
        [['x.js', '--cpu-ms', 'many'], /--cpu-ms: found 'many'; allowed: a whole number/],
        [['x.js', '--cpu-ms', '0'], /--cpu-ms: found '0'; allowed/],
        [['x.js', '--cpu-ms'], /--cpu-ms: its value N is missing/],
        [['x.js', '--cpu', '5'], /unknown option '--cpu'; did you mean '--cpu-ms'\?/],
        [['x.js', '--input', '{no json'], /--input: the text given is .*allowed: a JSON text/],
        [['x.js', '--input', '@/nonexistent.json'], /--input: .*nonexistent\.json/],
        [['x.js', '--type', 'modul'], /--type: found 'modul'; allowed: module, script; did you mean 'module'\?/],
    ]) {
        const end = await isolane(['run', ...args]);
        assert.equal(end.code, 2, `${args}: ${end.stderr}`);
        assert.equal(end.stdout, '');
        assert.match(end.stderr, /^isolane: run: .*\n$/);
        assert.match(end.stderr, pattern);
    }
});

test('big output and a big value come through whole', async () => {
    const bytes = 3 * 1024 * 1024;
    const r = await result_of(`const line = "0123456789abcdef".repeat(64) + "\\n"; for (let i = 0; i < ${bytes / 1024}; i++) console.log(line.slice(0, 1023)); export default "v".repeat(1e6)`,
        ['--output-kb', '4096', '--cpu-ms', '20000']);
    assert.equal(r.outcome, 'ok', r.error?.message);
    assert.equal(r.stdout.length, bytes);
    assert.ok(r.stdout.endsWith('0123456789abcde\n'));
    assert.equal(r.value.length, 1e6);
});

test('text that is no well-formed Unicode: repaired where it is printed, kept in the value', async () => {
    const r = await result_of('console.log("a\\ud800b"); export default "c\\udfff"');
    assert.equal(r.outcome, 'ok', r.error?.message);
    assert.equal(r.stdout, 'a\ufffdb\n');
    assert.equal(r.value, 'c\udfff');
});

test('a value nested as deep as it may be is a result that verifies; one level more is refused', async () => {
    const nested = (depth) => `let a = []; for (let i = 1; i < ${depth}; i++) a = [a]; export default a`;
    assert.equal((await result_of(nested(2040))).outcome, 'ok');
    const r = await result_of(nested(2041));
    assert.equal(r.outcome, 'threw');
    assert.match(r.error.message, /at most 2040 levels deep/);
    const verified = await isolane(['verify', '--db', join(data, 'run.db'), '--data', data]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

test('a script with NULs and a BOM, an empty script', async () => {
    assert.equal((await result_of('\ufeffexport default "with\\0nul".length')).value, 8);
    const empty = await result_of('');
    assert.ok(['ok', 'invalid'].includes(empty.outcome), empty.outcome);
    if (empty.outcome === 'invalid') assert.match(empty.error.message, /script/);
});

test('Ctrl-C: what runs is cancelled, the result says so, nothing is left behind', async () => {
    const path = script('console.log("running"); for (;;);');
    const p = start(program, ['run', path, '--data', data, '--cpu-ms', '60000', '--wall-ms', '60000']);
    await until('the script to run', () => p.text.stdout === 'running\n');
    const family = descendants_of(p.pid);
    assert.ok(family.length >= 2, 'a zygote and a cell');
    p.child.kill('SIGINT');
    const end = await p.ended;
    assert.equal(end.code, 1, end.stderr);
    assert.match(end.stderr, /isolane: cancelled: the job was cancelled on request\n/);
    await until('its processes to be gone', () => family.every(is_gone));
});

/** Runs a command line on a terminal of its own (`script` is of Debian's bsdutils); what it shows. */
async function on_terminal(command, env = {}) {
    const p = start('script', ['-qec', `stty cols 100; ${command}`, '/dev/null'], { env: { TERM: 'xterm', ...env } });
    const end = await p.ended;
    return { code: end.code, shown: end.stdout.replaceAll('\r\n', '\n') };
}

test('on a terminal: a summary line after one script, a bar and a table for several', async () => {
    const good = script('console.log("out")'), bad = script('throw new Error("not good")');
    const one = await on_terminal(`${program} run ${good} --data ${data}`);
    assert.equal(one.code, 0);
    assert.match(one.shown, /^out\nisolane: \x1b\[32mok\x1b\[0m in [\d.]+ ms \(cpu [\d.]+ ms\)\n$/);
    const plain = await on_terminal(`${program} run ${bad} --data ${data}`, { NO_COLOR: '1' });
    assert.equal(plain.code, 1);
    assert.match(plain.shown, /Error: not good\n[^]*\nisolane: threw in [^\n]*: Error: not good\n$/);
    assert.ok(!plain.shown.includes('\x1b'), plain.shown);
    const batch = await on_terminal(`${program} run ${good} ${bad} --data ${data}`);
    assert.equal(batch.code, 1);
    assert.match(batch.shown, /\r\x1b\[K.*2\/2  ok 1 .*failed 1/);
    assert.match(batch.shown, /\r\x1b\[Kjob +outcome [^]*\n2 jobs: 1 ok, 1 threw; /, 'the bar is gone before the table');
});

test('a reader that goes away ends the run', async () => {
    const path = script('for (let i = 0; i < 1e5; i++) console.log("line", i); await new Promise((r) => setTimeout(r, 200))');
    const p = start('/bin/sh', ['-c', `"$0" run "$1" --data "$2" --output-kb 4096 --cpu-ms 20000 | head -n 1; sleep 0.1`, program, path, data]);
    const end = await p.ended;
    assert.equal(end.stdout, 'line 0\n');
});

test('runs at the same time on one data folder do not get into each other\'s way', async () => {
    const path = script('await new Promise((r) => setTimeout(r, 2500)); export default job.id');
    const ends = await Promise.all([1, 2, 3].map(() => run([path, '--json'])));
    for (const end of ends) assert.equal(end.code, 0, end.stderr);
    assert.equal(new Set(ends.map((end) => JSON.parse(end.stdout).value)).size, 3);
    for (const name of ['run.db', 'run-2.db', 'run-3.db']) {
        assert.ok(existsSync(join(data, name)), name);
        const verified = await isolane(['verify', '--db', join(data, name), '--data', data]);
        assert.equal(verified.code, 0, `${name}: ${verified.stdout}${verified.stderr}`);
    }
});

test('the program is found by a symbolic link, from another folder', async () => {
    const link = join(scratch, 'isolane-link');
    symlinkSync(program, link);
    const p = start(link, ['run', script('console.log("by link")'), '--data', data], { cwd: '/' });
    const end = await p.ended;
    assert.deepEqual([end.code, end.stdout], [0, 'by link\n'], end.stderr);
});

test('nothing of `run` needs more than the signing key to be kept from others', async () => {
    const r = await run([script('1')], {});
    assert.equal(r.code, 0);
    chmodSync(join(data, 'worker.key'), 0o644);
    const open = await run([script('1')]);
    chmodSync(join(data, 'worker.key'), 0o600);
    assert.equal(open.code, 3);
    assert.match(open.stderr, /^isolane: .*worker\.key.*\n$/);
    await sleep(0);
});
