// Artifacts: `isolane artifact` and the object store of the official NATS client, each as the other's peer.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { program, scratch } from './lib/place.mjs';
import { isolane, send_signal, start, until } from './lib/process.mjs';
import { NatsServer, config_file } from './lib/worker.mjs';

const peer = await import('@nats-io/obj').catch(() => null);
const skip = peer ? false : '@nats-io/obj is not installed: npm ci --ignore-scripts';

let nats, c;
before(async () => {
    nats = await NatsServer.start({ max_payload: '1MB' });
    c = await Client.connect(nats.url);
});
after(async () => {
    await c?.close();
    await nats?.stop();
});

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const artifact = (...args) => isolane(['artifact', ...args, '--nats', nats.url]);
const bucket = (tenant) => new peer.Objm(c.js).create(`ISOLANE_ARTIFACTS_${tenant}`);
const messages = async (tenant) => (await c.jsm.streams.info(`OBJ_ISOLANE_ARTIFACTS_${tenant}`)).state.messages;
let files = 0;
function file(bytes) {
    const path = join(scratch, `artifact-${++files}`);
    writeFileSync(path, bytes);
    return path;
}

test('20 MB there and back; ls, rm', async () => {
    const bytes = randomBytes(20_000_003), path = file(bytes), to = join(scratch, 'back');
    const put = await artifact('put', path, '--name', 'big/é.bin', '--tenant', 'ci', '--json');
    assert.equal(put.code, 0, put.stderr);
    assert.deepEqual(JSON.parse(put.stdout), { name: 'big/é.bin', size: bytes.length, sha256: sha256(bytes) });
    const get = await artifact('get', 'big/é.bin', '--tenant', 'ci', '-o', to);
    assert.equal(get.code, 0, get.stderr);
    assert.equal(sha256(readFileSync(to)), sha256(bytes));
    const list = await artifact('ls', '--tenant', 'ci', '--json');
    assert.deepEqual(list.stdout.trim().split('\n').map((l) => JSON.parse(l).name), ['big/é.bin']);
    assert.equal((await artifact('ls', '--tenant', 'other', '--json')).stdout, '', 'each tenant has a bucket of its own');
    assert.equal((await artifact('rm', 'big/é.bin', '--tenant', 'ci')).code, 0);
    for (const verb of ['get', 'rm']) {
        const none = await artifact(verb, 'big/é.bin', '--tenant', 'ci', ...(verb === 'get' ? ['-o', to] : []));
        assert.deepEqual([none.code, /no object 'big\/é\.bin'/.test(none.stderr)], [1, true], none.stderr);
    }
    await until('its chunks to be gone', async () => await messages('ci') === 1);
});

test('the official client reads what we put, and we what it puts', { skip }, async () => {
    const bytes = randomBytes(3_000_000), store = await bucket('peer');
    assert.equal((await artifact('put', file(bytes), '--name', 'ours', '--tenant', 'peer')).code, 0);
    const ours = await store.getBlob('ours'), info = await store.info('ours');
    assert.equal(sha256(ours), sha256(bytes), 'the client checks the digest itself, too');
    assert.deepEqual([info.size, info.chunks, info.bucket], [bytes.length, Math.ceil(bytes.length / 131072), 'ISOLANE_ARTIFACTS_peer']);
    await store.putBlob({ name: 'theirs' }, bytes);
    const to = join(scratch, 'theirs');
    assert.equal((await artifact('get', 'theirs', '--tenant', 'peer', '-o', to)).code, 0);
    assert.equal(sha256(readFileSync(to)), sha256(bytes));
    // Each replaces and removes the other's.
    assert.equal((await artifact('put', file('new'), '--name', 'theirs', '--tenant', 'peer')).code, 0);
    assert.equal(Buffer.from(await store.getBlob('theirs')).toString(), 'new');
    assert.equal((await artifact('rm', 'theirs', '--tenant', 'peer')).code, 0);
    assert.equal(await store.getBlob('theirs'), null);
    await store.delete('ours');
    assert.equal((await artifact('get', 'ours', '--tenant', 'peer', '-o', to)).code, 1);
});

test('what was altered does not become a file', async () => {
    const to = join(scratch, 'altered');
    await artifact('put', file('what it should be'), '--name', 'x', '--tenant', 'alter');
    const meta = await c.jsm.direct.getMessage('OBJ_ISOLANE_ARTIFACTS_alter', { last_by_subj: '$O.ISOLANE_ARTIFACTS_alter.M.eA==' });
    const { nuid } = meta.json();
    await c.jsm.streams.purge('OBJ_ISOLANE_ARTIFACTS_alter', { filter: `$O.ISOLANE_ARTIFACTS_alter.C.${nuid}` });
    await c.js.publish(`$O.ISOLANE_ARTIFACTS_alter.C.${nuid}`, 'what it should bE');
    const get = await artifact('get', 'x', '--tenant', 'alter', '-o', to);
    assert.equal(get.code, 3);
    assert.match(get.stderr, /object x: its bytes have the SHA-256 [0-9a-f]{64}; it should be/);
    assert.deepEqual([existsSync(to), readdirSync(dirname(to)).filter((n) => n.startsWith('altered'))], [false, []]);
});

test('too much: one artifact, the bucket', async () => {
    const config = config_file({ nats: { artifact_max_mb: 2, artifacts_max_mb: 3 } });
    const put = (name, mb) => artifact('put', file(randomBytes(mb * 1048576)), '--name', name, '--tenant', 'small', '--config', config);
    assert.equal((await put('fits', 2)).code, 0);
    const large = await put('large', 2.5);
    assert.deepEqual([large.code, /more than 2 MiB; allowed: at most that \(nats\.artifact_max_mb\)/.test(large.stderr)], [3, true], large.stderr);
    const full = await put('second', 2);
    assert.deepEqual([full.code, /maximum bytes exceeded/.test(full.stderr)], [3, true], full.stderr);
    const list = await artifact('ls', '--tenant', 'small', '--json');
    assert.equal(JSON.parse(list.stdout).name, 'fits', 'the two that were refused are not there');
});

test('a client killed while it puts: no half artifact, and the name can be used again', async () => {
    const pipe = join(scratch, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const fd = openSync(pipe, 'r+'); // both ends: it never ends
    const p = start(program, ['artifact', 'put', pipe, '--name', 'half', '--tenant', 'kill', '--nats', nats.url]);
    writeSync(fd, randomBytes(3_000_000));
    await until('its first chunks to be stored', () => messages('kill').then((n) => n > 8, () => false));
    send_signal(p.pid, 'SIGKILL');
    await p.ended;
    closeSync(fd);
    assert.equal((await artifact('ls', '--tenant', 'kill', '--json')).stdout, '');
    assert.equal((await artifact('get', 'half', '--tenant', 'kill', '-o', join(scratch, 'half'))).code, 1);
    assert.equal((await artifact('put', file('whole'), '--name', 'half', '--tenant', 'kill')).code, 0);
    assert.equal((await artifact('get', 'half', '--tenant', 'kill', '-o', '-')).stdout, 'whole');
});

test('a wrong command line', async () => {
    for (const [args, says] of [[['get'], /found no name/], [['ls', 'x'], /further word/], [['put', '-'], /no --name/], [['list'], /found 'list'; allowed: put FILE/],
        [['put', 'x', '-o', 'y'], /--output: allowed: with get/], [['rm', ''], /found the name ''/]]) {
        const end = await artifact(...args);
        assert.deepEqual([end.code, says.test(end.stderr)], [2, true], end.stderr);
    }
});
