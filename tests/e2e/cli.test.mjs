// The commands as a person or a script uses them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, RESULT_NAMES, assert_result_shape, open_envelope } from './lib/client.mjs';
import { fresh_folder, program, scratch } from './lib/place.mjs';
import { isolane, sleep, start, until } from './lib/process.mjs';
import { config_file, up } from './lib/worker.mjs';

const COMMANDS = ['up', 'worker', 'run', 'check', 'types', 'submit', 'call', 'result', 'logs', 'cancel', 'batch', 'dead', 'verify', 'ls', 'export', 'backup', 'schedule', 'egress', 'keys', 'secret', 'artifact', 'archive', 'workers', 'drain', 'doctor', 'attest', 'version'];

let w, c;
before(async () => {
    w = await up({ config: { tenants: [{ name: 'default' }, { name: 'ci' }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

let files = 0;
function script(text) {
    const path = join(scratch, `cli-${++files}.mjs`);
    writeFileSync(path, text);
    return path;
}
/** A client command on the worker's data folder. */
const cli = (command, ...args) => isolane([command, ...args, '--data', w.data]);
const submit_text = (text, ...args) => cli('submit', script(text), ...args);

// ---- every command ---------------------------------------------------------------------------------------

test('help lists every command, and each command has --help with usage, options, exit codes, an example', async () => {
    const help = await isolane(['help']);
    assert.equal(help.code, 0);
    assert.deepEqual(await isolane(['--help']), help);
    for (const name of COMMANDS) {
        assert.match(help.stdout, new RegExp(`^  ${name}\\s+\\S`, 'm'));
        const end = await isolane([name, '--help']);
        assert.deepEqual([end.code, end.stderr], [0, ''], name);
        assert.match(end.stdout, new RegExp(`^isolane ${name}: \\S.*\n\nUsage: isolane ${name}`), name);
        for (const part of ['\nOptions:\n', '--help', '\nExit codes: ', '\nExample:\n'])
            assert.ok(end.stdout.includes(part), `${name}: ${part}`);
        assert.deepEqual(await isolane(['help', name]), end);
        for (const line of end.stdout.split('\n')) assert.ok(line.length <= 110, `${name}: ${line}`);
    }
});

test('usage errors: one line on stderr, exit 2, for every command', async () => {
    for (const name of COMMANDS) {
        const end = await isolane([name, '--no-such-option']);
        assert.deepEqual([end.code, end.stdout], [2, ''], name);
        assert.match(end.stderr, new RegExp(`^isolane: ${name}: unknown option '--no-such-option'.*\n$`));
    }
    for (const [args, pattern] of [
        [['rnu', 'x.js'], /unknown command 'rnu'; did you mean 'run'\?/],
        [['frobnicate'], /unknown command 'frobnicate'/],
        [['--data', 'x', 'up'], /in front of the command/],
        [['submit'], /FILE\|DIR is missing/],
        [['submit', 'a.js', 'b.js'], /found 'b\.js' too many/],
        [['submit', 'a.js', '--class', 'urgent'], /--class: found 'urgent'; allowed: high, normal, low/],
        [['submit', 'a.js', '--wait=soon'], /--wait: found 'soon'; allowed: a whole number/],
        [['submit', 'a.js', '--id', 'not valid'], /found the job id 'not valid'; allowed/],
        [['submit', 'a.js', '--tenant', 'not valid'], /--tenant: found 'not valid'; allowed/],
        [['result'], /ID.* is missing/],
        [['result', 'x', '--json', '--envelope'], /--json.*--envelope|--envelope.*--json/],
        [['cancel'], /ID is missing/],
        [['verify'], /FILE/],
        [['keys'], /export/],
        [['keys', 'import'], /found 'import'.*export|export/],
        [['up', '--set', 'pool=many'], /--set: pool: found .*many.*; allowed: a whole number from 1 to 256/],
        [['up', '--set', 'polo=4'], /--set: .*polo.*pool/],
        [['submit', script('1'), '--nats', 'gopher://x'], /--nats: nats\.url: .*allowed: nats:\/\//],
    ]) {
        const end = await isolane(args);
        assert.deepEqual([end.code, end.stdout], [2, ''], `${args}: ${end.stderr}`);
        assert.match(end.stderr, /^isolane: [^\n]*\n$/);
        assert.match(end.stderr, pattern);
    }
    const nothing = await isolane([]);
    assert.deepEqual([nothing.code, nothing.stdout], [2, '']);
    assert.match(nothing.stderr, /Usage: isolane COMMAND/);
});

test('version: the program, the engine, what it is built with', async () => {
    const end = await isolane(['version']);
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /^isolane +\d+\.\d+\.\d+\nengine .*V8 \d/);
    const json = await isolane(['version', '--json']);
    assert.equal(json.code, 0);
    const parsed = JSON.parse(json.stdout);
    assert.match(parsed.version ?? parsed.isolane, /^\d+\.\d+\.\d+$/);
    assert.equal((await isolane(['--version'])).stdout, end.stdout);
});

test('doctor: each layer of the jail, the engine, the server; as JSON too', async () => {
    const end = await cli('doctor');
    assert.ok([0, 1].includes(end.code), end.stderr);
    for (const word of ['seccomp', 'nats-server']) assert.match(end.stdout, new RegExp(word), end.stdout);
    const json = await cli('doctor', '--json');
    assert.equal(json.code, end.code);
    assert.equal(typeof JSON.parse(json.stdout), 'object');
});

test('keys export: the same public key as in the data folder; none where there is none', async () => {
    const end = await cli('keys', 'export');
    assert.equal(end.code, 0);
    assert.match(end.stdout, /^-----BEGIN PUBLIC KEY-----\n[^\n]+\n-----END PUBLIC KEY-----\n$/);
    const none = await isolane(['keys', 'export', '--data', fresh_folder()]);
    assert.ok([0, 3].includes(none.code));
    if (none.code === 3) assert.match(none.stderr, /^isolane: .*worker\.(key|pub).*\n$/);
});

// ---- submit, result --------------------------------------------------------------------------------------

test('submit prints the id and nothing else; result shows the job', async () => {
    const end = await submit_text('console.log("printed"); export default { answer: 42 }');
    assert.deepEqual([end.code, end.stderr], [0, '']);
    assert.match(end.stdout, /^\S+\n$/);
    const id = end.stdout.trim();
    await c.result(id);
    const shown = await cli('result', id);
    assert.equal(shown.code, 0, shown.stderr);
    for (const part of [id, 'ok', 'printed', '42']) assert.ok(shown.stdout.includes(part), `${part} in ${shown.stdout}`);
    assert.ok(!shown.stdout.includes('\x1b'));
});

test('submit --wait --json: the result object with exactly the issue\'s names; exit 0 and 1', async () => {
    const good = await submit_text('export default job.input.n * 2', '--input', '{"n": 4}', '--wait', '--json');
    assert.equal(good.code, 0, good.stderr);
    const r = assert_result_shape(JSON.parse(good.stdout));
    assert.deepEqual(Object.keys(r), RESULT_NAMES);
    assert.equal(r.value, 8);
    const bad = await submit_text('throw new Error("no")', '--wait=20', '--json');
    assert.equal(bad.code, 1);
    assert.equal(JSON.parse(bad.stdout).outcome, 'threw');
    const shown = await submit_text('throw new Error("for people")', '--wait');
    assert.equal(shown.code, 1);
    assert.match(shown.stdout, /threw[\s\S]*for people/);
});

test('submit: id, tenant, class, limits, env, type, stdin', async () => {
    const end = await submit_text('export default [job.id, job.tenant, job.env.A]', '--id', 'given', '--tenant', 'ci', '--class', 'high', '--env', 'A=1', '--cpu-ms', '700');
    assert.deepEqual([end.code, end.stdout], [0, 'given\n'], end.stderr);
    const r = await c.result('given', { tenant: 'ci' });
    assert.deepEqual([r.value, r.class], [['given', 'ci', '1'], 'high']);
    const piped = await isolane(['submit', '-', '--data', w.data, '--wait', '--json', '--type', 'script'], { input: '6 * 7' });
    assert.equal(JSON.parse(piped.stdout).value, 42);
    const over = await submit_text('1', '--heap-mb', '4000', '--wait', '--json');
    assert.equal(over.code, 1);
    assert.match(JSON.parse(over.stdout).error.message, /limits\.heap_mb/);
    const other = await submit_text('export default job.tenant', '--id', 'given', '--wait', '--json');
    assert.equal(JSON.parse(other.stdout).value, 'default', 'the same id of another tenant is another job');
    const again = await submit_text('export default "again"', '--id', 'given', '--wait', '--json');
    assert.equal(JSON.parse(again.stdout).value, 'default');
    assert.match(again.stderr, /^isolane: job given was submitted before[^\n]*\n$/);
    const missing = await cli('submit', join(scratch, 'no-such.js'));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /no-such\.js.*No such file/);
});

test('submit --wait=S that waits in vain: exit 1, one line that says in which state the job is', async () => {
    const end = await submit_text('await new Promise((r) => setTimeout(r, 4500)); export default "after all"', '--id', 'patient', '--wait=1');
    assert.deepEqual([end.code, end.stdout], [1, '']);
    assert.match(end.stderr, /^isolane: waited 1 s; job 'patient' has no result yet, its state is running[^\n]*\n$/);
    const later = await cli('result', 'patient', '--wait=20', '--json');
    assert.equal(later.code, 0, later.stderr);
    assert.equal(JSON.parse(later.stdout).value, 'after all');
});

test('result: states, --json, --envelope, unknown', async () => {
    await c.publish({ id: 'slowly', script: 'await new Promise((r) => setTimeout(r, 3000)); console.log("x"); throw new Error("y")' });
    await until('it to run', async () => (await c.get('slowly')).state === 'running');
    const running = await cli('result', 'slowly', '--json');
    assert.equal(JSON.parse(running.stdout).state, 'running');
    assert.equal(running.code, 1, 'there is no result yet');
    const waited = await cli('result', 'slowly', '--wait', '--json');
    assert.equal(waited.code, 1);
    assert.equal(assert_result_shape(JSON.parse(waited.stdout)).outcome, 'threw');
    const envelope = await cli('result', 'slowly', '--envelope');
    assert.deepEqual(open_envelope(JSON.parse(envelope.stdout)), JSON.parse(waited.stdout));
    const unknown = await cli('result', 'never-heard-of', '--json');
    assert.equal(unknown.code, 1);
    assert.equal(JSON.parse(unknown.stdout).state, 'unknown');
    const for_people = await cli('result', 'never-heard-of');
    assert.equal(for_people.code, 1);
    assert.match(for_people.stdout + for_people.stderr, /never-heard-of.*unknown|unknown.*never-heard-of/);
});

test('result of several ids: a table', async () => {
    await c.execute({ id: 'row-1', script: 'console.log("first row")' });
    await c.execute({ id: 'row-2', script: 'throw new Error("second row")' });
    const end = await cli('result', 'row-1', 'row-2');
    assert.equal(end.code, 1, end.stderr);
    assert.match(end.stdout, /row-1\s+ok\b.*\n.*row-2\s+threw\b/);
    const json = await cli('result', 'row-1', 'row-2', '--json');
    assert.deepEqual(json.stdout.trim().split('\n').map((line) => JSON.parse(line).id), ['row-1', 'row-2']);
});

test('result | verify: a pipe that checks a signature', async () => {
    await c.execute({ id: 'piped', script: 'export default 1' });
    const p = start('/bin/sh', ['-c', '"$0" result piped --envelope --data "$1" | "$0" verify - --data "$1"', program, w.data]);
    const end = await p.ended;
    assert.equal(end.code, 0, end.stdout + end.stderr);
});

// ---- logs, cancel ----------------------------------------------------------------------------------------

test('logs: of a finished job, its output on the same streams; --follow until the end', async () => {
    await c.execute({ id: 'chatty', script: 'console.log("to out"); console.error("to err")' });
    const end = await cli('logs', 'chatty');
    assert.deepEqual([end.code, end.stdout, end.stderr], [0, 'to out\n', 'to err\n']);
    const follow = start(program, ['logs', 'live', '--follow', '--data', w.data]);
    await sleep(300);
    await c.publish({ id: 'live', script: 'for (let i = 0; i < 5; i++) { console.log("tick", i); await new Promise((r) => setTimeout(r, 150)) } console.error("end")' });
    await until('the first line', () => follow.text.stdout.includes('tick 0\n'));
    const followed = await follow.ended;
    assert.equal(followed.stdout, 'tick 0\ntick 1\ntick 2\ntick 3\ntick 4\n');
    assert.equal(followed.stderr, 'end\n');
    assert.equal(followed.code, 0);
});

test('cancel: a running job, one that is done, one nobody knows', async () => {
    await c.publish({ id: 'endless', script: 'await new Promise((r) => setTimeout(r, 1e6))' });
    await until('it to run', async () => (await c.get('endless')).state === 'running');
    const end = await cli('cancel', 'endless');
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.equal((await c.result('endless')).outcome, 'cancelled');
    const done = await cli('cancel', 'endless', '--json');
    assert.equal(done.code, 1, 'there was nothing to cancel');
    assert.equal(JSON.parse(done.stdout).state, 'done');
    const unknown = await cli('cancel', 'never-there');
    assert.ok([0, 1].includes(unknown.code));
    assert.match(unknown.stdout + unknown.stderr, /never-there/);
});

// ---- which server ----------------------------------------------------------------------------------------

test('the server: --nats before NATS_URL before the running `up` of the data folder', async () => {
    const path = script('export default 1'), nowhere = 'nats://127.0.0.1:1', elsewhere = fresh_folder();
    const submit = async (args, env) => {
        const end = await isolane(['submit', path, ...args], { env });
        return end.code === 0 ? 'found' : end.stderr;
    };
    assert.equal(await submit(['--data', w.data], {}), 'found');
    assert.match(await submit(['--data', w.data], { NATS_URL: nowhere }), /127\.0\.0\.1:1\b/);
    assert.equal(await submit(['--data', elsewhere], { NATS_URL: w.url }), 'found');
    assert.equal(await submit(['--data', elsewhere, '--nats', w.url], { NATS_URL: nowhere }), 'found');
    assert.match(await submit(['--data', w.data, '--nats', nowhere], { NATS_URL: w.url }), /127\.0\.0\.1:1\b/);
    assert.match(await submit(['--data', elsewhere], {}), /--nats.*NATS_URL/);
    assert.equal(await submit(['--data', elsewhere, '--config', config_file({ nats: { url: w.url } })], {}), 'found');
    assert.equal(await submit(['--data', w.data], { NATS_URL: '' }), 'found', 'an empty variable is none');
});

test('a pipe whose reader has gone: nothing is said, and the exit code is that of what was done', async () => {
    for (const [args, code] of [['attest', 0], ['help', 0], [`run --data ${w.data} ${script('console.log("x".repeat(200000)); throw 1')}`, 1], [`run --data ${w.data} ${script('console.log("x".repeat(200000))')}`, 0]]) {
        const end = await start('/bin/sh', ['-c', `{ "$0" ${args} 2>&3; echo $? >&3; } 3>&2 | head -c 1 >/dev/null`, program]).ended;
        assert.equal(end.stderr.trim().split('\n').at(-1), String(code), end.stderr);
        assert.doesNotMatch(end.stderr, /cannot write/);
    }
});

test('a standard stream that was closed is not another file\'s: it fails as a full disk does', async () => {
    const says = script('console.log("out"); console.error("err"); export default 1');
    for (const [closed, code, pattern] of [['>&-', 3, /cannot write the output: Bad file descriptor/], ['<&-', 0, /^err$/m], ['2>&-', 3, /^$/]]) {
        const end = await start('/bin/sh', ['-c', `exec "$0" run ${says} --data ${w.data} ${closed}`, program]).ended;
        assert.equal(end.code, code, closed + end.stderr);
        assert.match(end.stderr, pattern);
    }
    const read = await start('/bin/sh', ['-c', `exec "$0" run - --data ${w.data} <&-`, program]).ended;
    assert.deepEqual([read.code, read.stdout], [2, '']);
    assert.equal((await cli('verify', '--db', join(w.data, 'run.db'))).code, 0);
});

test('output that cannot be written is no success', async () => {
    for (const args of ['version', 'help', `result row-1 --data ${w.data} --json`, `keys export --data ${w.data}`]) {
        const p = start('/bin/sh', ['-c', `"$0" ${args} >/dev/full`, program]);
        const end = await p.ended;
        assert.equal(end.code, 3, args);
        assert.match(end.stderr, /No space left on device/, args);
    }
});
