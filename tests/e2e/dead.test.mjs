// isolane dead: list, show, retry, drop; the options of submit that say how often and when.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from './lib/client.mjs';
import { scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

let w, c;
const key = join(scratch, 'dead.key');
before(async () => {
    const made = await isolane(['keys', 'new', key]);
    assert.equal(made.code, 0, made.stderr);
    w = await up({ config: { tenants: [{ name: 'default' }, { name: 'ci' }, { name: 'signed', job_keys: [`${key}.pub`] }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c.close();
    await w.stop();
});

const ours = (args) => isolane([...args, '--data', w.data]);
const dead = (...args) => ours(['dead', ...args]);
const file = (name, text) => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
};
/** Ends dead; waits for its copy. */
async function die(job, options = {}) {
    const r = await c.execute({ retry_on: ['threw'], max_attempts: 1, ...job }, options);
    assert.equal(r.state, 'dead');
    await until('its copy', async () => (await listed('--tenant', options.tenant ?? 'default')).some((d) => d.id === r.id));
    return r;
}
async function listed(...args) {
    const end = await dead('ls', '--json', ...args);
    assert.equal(end.code, 0, end.stderr);
    return end.stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

test('nothing is dead: ls says nothing, show and retry say so', async () => {
    assert.deepEqual(await listed(), []);
    const shown = await dead('show', 'nobody');
    assert.deepEqual([shown.code, shown.stdout], [1, '']);
    assert.match(shown.stderr, /no dead job 'nobody' of tenant 'default'/);
    assert.equal((await dead('retry', 'nobody')).code, 1);
});

test('ls: one line a job, by tenant; show: the message as it was', async () => {
    const job = { id: 'd-1', script: 'throw new TypeError("why")', input: { n: 1.50 } };
    const r = await die(job, { cls: 'high' });
    await die({ id: 'd-2', script: 'throw 1' }, { tenant: 'ci' });
    assert.deepEqual((await listed()).map((d) => [d.tenant, d.id]), [['default', 'd-1'], ['ci', 'd-2']]);
    const [one] = await listed('--tenant', 'default');
    const { bytes, ...rest } = one;
    assert.ok(bytes > 50);
    assert.deepEqual(rest, { id: 'd-1', tenant: 'default', class: 'high', outcome: 'threw', attempts: 1, error: 'TypeError: why', worker: r.worker, finished_at: r.finished_at });
    const table = await dead('ls');
    assert.match(table.stdout, /d-1 +threw +1 +TypeError: why/);
    const shown = await dead('show', 'd-1');
    assert.deepEqual(JSON.parse(shown.stdout), { retry_on: ['threw'], max_attempts: 1, ...job });
    assert.match(shown.stderr, /^Isolane-Outcome: threw$/m);
});

test('retry: the same job under a new id, its copy gone; a second death is retry-2', async () => {
    const end = await dead('retry', 'd-1');
    assert.deepEqual([end.code, end.stdout], [0, 'd-1:retry-1\n'], end.stderr);
    const r = await c.result('d-1:retry-1');
    assert.deepEqual([r.state, r.class, r.error.message, r.input_sha256], ['dead', 'high', 'why', (await c.result('d-1')).input_sha256]);
    await until('the new copy', async () => (await listed('--tenant', 'default')).map((d) => d.id).join() === 'd-1:retry-1');
    const again = await dead('retry', 'd-1:retry-1', '--json');
    assert.deepEqual(JSON.parse(again.stdout), { id: 'd-1:retry-2', tenant: 'default', retry_of: 'd-1:retry-1' });
    await c.result('d-1:retry-2');
    await until('the third copy', async () => (await listed('--tenant', 'default')).map((d) => d.id).join() === 'd-1:retry-2');
});

test('retry of a job whose id was its sequence', async () => {
    const r = await die({ script: 'throw new Error(job.id)' });
    const end = await dead('retry', r.id);
    assert.equal(end.stdout, `${r.id}:retry-1\n`, end.stderr);
    assert.equal((await c.result(`${r.id}:retry-1`)).error.message, `${r.id}:retry-1`);
});

test('a signed job: only with a key', async () => {
    const script = file('dies.js', 'throw 1');
    const sent = await ours(['submit', script, '--tenant', 'signed', '--key', key, '--id', 's-1', '--retry-on', 'threw', '--max-attempts', '1', '--wait=20']);
    assert.equal(sent.code, 1, sent.stderr);
    await until('its copy', async () => (await listed('--tenant', 'signed')).length === 1);
    const without = await dead('retry', 's-1', '--tenant', 'signed');
    assert.equal(without.code, 3);
    assert.match(without.stderr, /it is signed, and its id stands inside what is signed.*--key FILE/s);
    assert.equal((await listed('--tenant', 'signed')).length, 1);
    const end = await dead('retry', 's-1', '--tenant', 'signed', '--key', key);
    assert.equal(end.stdout, 's-1:retry-1\n', end.stderr);
    const r = await c.result('s-1:retry-1', { tenant: 'signed' });
    assert.deepEqual([r.outcome, r.signed_by.length], ['threw', 64]);
});

test('drop: some, and all', async () => {
    await until('all copies', async () => (await listed()).length === 4);
    assert.equal((await dead('drop', 'd-2', '--tenant', 'ci')).code, 0);
    assert.deepEqual(await listed('--tenant', 'ci'), []);
    const end = await dead('drop', '--all');
    assert.equal(end.code, 0, end.stderr);
    assert.deepEqual(await listed(), []);
});

test('retry --all', async () => {
    for (let i = 0; i < 5; i++) await die({ id: `all-${i}`, script: 'throw 1' }, { tenant: 'ci' });
    const end = await dead('retry', '--all', '--tenant', 'ci');
    assert.equal(end.code, 0, end.stderr);
    assert.deepEqual(end.stdout.trim().split('\n').sort(), [0, 1, 2, 3, 4].map((i) => `all-${i}:retry-1`));
});

test('wrong command lines', async () => {
    for (const [args, words] of [
        [['dead'], /ls, show, retry or drop is missing/],
        [['dead', 'list'], /found 'list'; allowed: ls, show ID, retry ID…, drop ID…/],
        [['dead', 'show'], /show: ID is missing/],
        [['dead', 'drop'], /drop: ID is missing, or --all/],
        [['dead', 'drop', 'x', '--all'], /--all: only for retry and drop, and without IDs/],
        [['dead', 'ls', 'x'], /ls: found 'x' too many/],
        [['dead', 'show', 'a b'], /a b/],
        [['submit', 'x.js', '--retry-on', 'ok'], /--retry-on: found 'ok'; allowed: threw, /],
        [['submit', 'x.js', '--backoff', 'linear'], /--backoff: found 'linear'; allowed: TYPE/],
        [['submit', 'x.js', '--backoff', 'fixed,1,0'], /--backoff: found/],
        [['submit', 'x.js', '--backoff', 'fixed,1,2,3'], /--backoff: found/],
        [['submit', 'x.js', '--not-before', 'soon'], /--not-before: found 'soon'; allowed: RFC 3339/],
        [['submit', 'x.js', '--ttl', '5'], /--ttl: found '5'; allowed: 90s/],
        [['submit', 'x.js', '--max-attempts', '0'], /max-attempts.*1 to 100/],
    ]) {
        const end = await ours(args);
        assert.deepEqual([end.code, end.stdout], [2, ''], `${args}: ${end.stderr}`);
        assert.match(end.stderr, words);
    }
});

test('submit: attempts, backoff, times; result and ls show the tries', async () => {
    const script = file('third.mjs', 'if (job.attempt < 3) throw new Error("no " + job.attempt); export default job.attempt');
    const end = await ours(['submit', script, '--id', 'opts', '--max-attempts', '4', '--retry-on', 'threw,crashed', '--backoff', 'fixed,50,60,0.5',
        '--not-before', '+100ms', '--deadline', '+1h', '--ttl', '30m', '--wait=20']);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(end.stdout, /^attempts +3$/m);
    assert.match(end.stdout, /^try +1: threw at \S+ on \S+: Error: no 1$/m);
    const r = await c.result('opts');
    assert.deepEqual([r.value, r.tries.length], [3, 2]);
    const rows = await ours(['ls', '--json', '--limit', '1000']);
    const row = rows.stdout.trim().split('\n').map((line) => JSON.parse(line)).find((l) => l.id === 'opts');
    assert.deepEqual([row.attempts, row.tries], [3, r.tries]);
    const none = await ours(['submit', script, '--retry-on', 'none', '--wait=20', '--json']);
    assert.deepEqual([none.code, JSON.parse(none.stdout).state], [1, 'done']);
});
