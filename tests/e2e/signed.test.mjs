// Signed jobs: who may ask. Made by `isolane submit --key`, by Node's crypto, by openssl, by Python; replayed, altered,
// squatted on.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { headers } from '@nats-io/transport-node';
import { Client, open_envelope } from './lib/client.mjs';
import { root, scratch } from './lib/place.mjs';
import { isolane, run, until } from './lib/process.mjs';
import { openssl, up } from './lib/worker.mjs';

const ours = join(scratch, 'ci.key'), theirs = join(scratch, 'openssl.key'), stranger = join(scratch, 'stranger.key');
const example = (name) => join(root, 'examples/signed', name);
let w, c, keyid;

before(async () => {
    const made = await isolane(['keys', 'new', ours]);
    assert.equal(made.code, 0, made.stderr);
    keyid = made.stdout.trim();
    await openssl(['genpkey', '-algorithm', 'ed25519', '-out', theirs]);
    chmodSync(theirs, 0o600);
    const { stdout: pem } = await openssl(['pkey', '-in', theirs, '-pubout', '-outform', 'DER', '-out', `${theirs}.der`]);
    assert.equal(pem, '');
    const raw = readFileSync(`${theirs}.der`).subarray(-32).toString('base64');
    assert.equal((await isolane(['keys', 'new', stranger])).code, 0);
    w = await up({ config: { tenants: [{ name: 'ci', job_keys: [`${ours}.pub`, raw] }, { name: 'other', job_keys: [`${ours}.pub`] }, { name: 'default' }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const file = (name, text) => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
};
const submit = (args, options) => isolane(['submit', '-', '--nats', w.url, '--tenant', 'ci', ...args], options);

/** Publishes these bytes with these header values; → the result as the tenant finds it. */
async function publish(job, signatures = [], { tenant = 'ci', msg_id, id } = {}) {
    const h = headers();
    for (const s of signatures) h.append('Isolane-Signature', s);
    if (msg_id) h.set('Nats-Msg-Id', msg_id);
    const ack = await c.js.publish(`isolane.jobs.${tenant}.normal`, job, { headers: h });
    return c.result(id ?? ack.seq, { tenant });
}

async function sign(job, { key = ours, tenant = 'ci' } = {}) {
    const end = await run(example('sign.sh'), [key, tenant, file('job.json', job)]);
    assert.equal(end.code, 0, end.stderr);
    return end.stdout.trim();
}

test('`isolane keys new`: a private pair that openssl reads, its id, and no second one in its place', async () => {
    assert.equal(statSync(ours).mode & 0o7777, 0o600);
    const { stdout } = await openssl(['pkey', '-in', ours, '-pubout']);
    assert.equal(stdout, readFileSync(`${ours}.pub`, 'utf8'));
    assert.match(keyid, /^[0-9a-f]{64}$/);
    const again = await isolane(['keys', 'new', ours]);
    assert.deepEqual([again.code, again.stdout], [3, '']);
    assert.match(again.stderr, /exists already/);
});

test('`isolane submit --key`: the job runs, its result names the key', async () => {
    const end = await submit(['--key', ours, '--id', 'build-1', '--wait=20', '--json'], { input: 'export default job.id' });
    assert.equal(end.code, 0, end.stderr);
    const r = JSON.parse(end.stdout);
    assert.deepEqual([r.outcome, r.value, r.signed_by], ['ok', 'build-1', keyid]);
    const twice = await submit(['--key', ours, '--id', 'build-1'], { input: 'export default job.id' });
    assert.deepEqual([twice.code, twice.stdout], [0, 'build-1\n']);
    assert.match(twice.stderr, /submitted before/);
});

test('`isolane submit --key` without --id makes one', async () => {
    const end = await submit(['--key', theirs, '--wait=20', '--json'], { input: 'export default job.id' });
    const r = JSON.parse(end.stdout);
    assert.match(r.id, /^job-[0-9a-f]{24}$/);
    assert.equal(r.value, r.id);
    assert.notEqual(r.signed_by, keyid);
});

test('a key that others can read, is missing or is none: told, nothing is sent', async () => {
    const open = file('open.key', readFileSync(ours, 'utf8'));
    for (const [path, pattern] of [[open, /accessible to others \(mode 0644\).*chmod 600/], [join(scratch, 'nowhere'), /nowhere/], [`${ours}.pub`, /PRIVATE KEY|accessible to others/]]) {
        const end = await submit(['--key', path], { input: '1' });
        assert.deepEqual([end.code, end.stdout], [2, ''], end.stderr);
        assert.match(end.stderr, pattern);
        assert.match(end.stderr, /--key/);
    }
});

test('what is not signed by a key of the tenant is refused', async () => {
    const job = JSON.stringify({ id: 'refused-1', script: 'export default 1' });
    const good = await sign(job);
    for (const [what, signatures, pattern] of [
        ['no signature', [], /^signature: missing; jobs of tenant 'ci' must be signed/],
        ['two', [good, good], /^signature: found the header Isolane-Signature 2 times/],
        ['a stranger\'s', [await sign(job, { key: stranger })], /^signature: found key [0-9a-f]{16}…, which is none of the 2 job_keys/],
        ['one for another tenant', [await sign(job, { tenant: 'other' })], /altered, or signed for another tenant/],
        ['one of another message', [await sign(`${job} `)], /altered, or signed for another tenant/],
        ['an oversized header', ['x'.repeat(3000)], /of 3000 characters; allowed: /],
        ['rubbish', ['x'], /of 1 characters; allowed: /],
        ['half of one', [good.slice(0, 64)], /of 64 characters; allowed: /],
    ]) {
        const r = await publish(job, signatures);
        assert.deepEqual([r.outcome, r.error.name, r.signed_by], ['invalid', 'InvalidJob', null], what);
        assert.match(r.error.message, pattern, what);
        assert.match(r.id, /^\d+$/, what);
    }
    // None of them has taken the id.
    const r = await publish(job, [good], { id: 'refused-1' });
    assert.deepEqual([r.outcome, r.value], ['ok', 1]);
});

test('nobody without a key can take the id of a job to come, by payload or by Nats-Msg-Id', async () => {
    const squat = { id: 'deploy-7', script: 'export default "evil"' };
    const r = await publish(JSON.stringify(squat), [], { msg_id: 'ci/deploy-7' });
    assert.equal(r.outcome, 'invalid');
    assert.match(r.id, /^\d+$/);
    const end = await submit(['--key', ours, '--id', 'deploy-7', '--wait=20', '--json'], { input: 'export default "honest"' });
    assert.deepEqual([end.code, JSON.parse(end.stdout).value], [0, 'honest'], end.stderr);
    assert.doesNotMatch(end.stderr, /submitted before/);
});

test('replay: under its own id it is the one result; under another id or tenant it does not hold', async () => {
    const job = JSON.stringify({ id: 'once-1', script: 'export default crypto.randomUUID()' });
    const signature = await sign(job);
    const first = await publish(job, [signature], { id: 'once-1' });
    await publish(job, [signature], { id: 'once-1', msg_id: 'another' });
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
    const again = open_envelope(await c.get('once-1', { tenant: 'ci' }));
    assert.deepEqual([again.value, again.seq], [first.value, first.seq]);
    assert.equal((await publish(job.replace('once-1', 'once-2'), [signature])).outcome, 'invalid');
    assert.equal((await publish(job, [signature], { tenant: 'other' })).outcome, 'invalid');
});

test('a signed job without an id inside is refused, whatever the headers say', async () => {
    const job = '{"script":"1"}';
    const r = await publish(job, [await sign(job)], { msg_id: 'header-id' });
    assert.equal(r.outcome, 'invalid');
    assert.match(r.error.message, /^id: missing; a signed job carries its id/);
    assert.match(r.id, /^\d+$/);
});

test('a wrong job that is signed is told so under its own id', async () => {
    const job = '{"id":"wrong-1","script":5}';
    const r = await publish(job, [await sign(job)], { id: 'wrong-1' });
    assert.deepEqual([r.outcome, r.id, r.signed_by], ['invalid', 'wrong-1', keyid]);
});

test('Node.js: examples/signed/submit.mjs', async () => {
    const end = await run(process.execPath, [example('submit.mjs'), theirs, 'ci'], { input: '{"id":"from-node","script":"export default 2"}', env: { NATS_URL: w.url }, cwd: root });
    assert.equal(end.code, 0, end.stderr);
    assert.equal(JSON.parse(end.stdout).stream, 'ISOLANE_JOBS');
    assert.equal((await c.result('from-node', { tenant: 'ci' })).value, 2);
});

test('Python: the signature of examples/signed/submit.py', async (t) => {
    const job = '{"id":"from-python","script":"export default 3"}';
    const program = `import sys; sys.path.insert(0, ${JSON.stringify(example(''))}); sys.dont_write_bytecode = True\n`
        + `try:\n    from submit import signature\nexcept ImportError as e:\n    print("missing", e); sys.exit()\n`
        + `print(signature(open(${JSON.stringify(theirs)}, "rb").read(), "ci", ${JSON.stringify(job)}.encode()))`;
    const end = existsSync('/usr/bin/python3') || process.env.PYTHON ? await run(process.env.PYTHON ?? 'python3', ['-c', program]) : { code: 0, stdout: 'missing python3' };
    assert.equal(end.code, 0, end.stderr);
    if (/^missing/.test(end.stdout)) return t.skip(end.stdout.trim());
    assert.equal((await publish(job, [end.stdout.trim()], { id: 'from-python' })).value, 3);
});

test('a tenant without keys takes jobs as before, and `isolane run` asks for no signature', async () => {
    assert.equal((await c.execute({ script: 'export default 4' })).signed_by, null);
    const end = await isolane(['run', '-', '--data', w.data, '--json', '--config', file('run.yaml', JSON.stringify({ tenants: [{ name: 'ci', job_keys: [`${ours}.pub`] }] }))], { input: 'export default 5' });
    assert.equal(JSON.parse(end.stdout).value, 5, end.stderr);
});

test('a signed job that waits for another keeps its signature while it is held', async () => {
    const job = JSON.stringify({ id: 'child', after: ['parent'], script: 'export default job.parents.parent.value' });
    const child = publish(job, [await sign(job)], { id: 'child' });
    await until('it to be held', async () => (await c.get('child', { tenant: 'ci' })).state === 'held');
    const parent = JSON.stringify({ id: 'parent', script: 'export default 7' });
    assert.equal((await publish(parent, [await sign(parent)], { id: 'parent' })).value, 7);
    const r = await child;
    assert.deepEqual([r.outcome, r.value, r.signed_by], ['ok', 7, keyid]);
});
