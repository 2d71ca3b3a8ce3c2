// What can be wrong around us: one clear line on stderr that says what to do, exit 3, nothing half done.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, fresh_folder, root, scratch } from './lib/place.mjs';
import { isolane, run, start, until } from './lib/process.mjs';
import { config_file, free_port, up } from './lib/worker.mjs';

async function refused(args, pattern, options = {}) {
    const end = await isolane(args, options);
    assert.equal(end.signal, null, `${args}`);
    assert.equal(end.code, 3, `${args}: ${end.stdout}${end.stderr}`);
    assert.equal(end.stdout, '');
    assert.match(end.stderr, /^isolane: [^\n]*\n$/, 'one line');
    assert.match(end.stderr, pattern);
    return end;
}

const script = join(scratch, 'one.js');
writeFileSync(script, 'export default 1');

/** A database as a healthy run leaves it. */
async function used_folder() {
    const data = fresh_folder();
    const end = await isolane(['run', script, '--data', data]);
    assert.equal(end.code, 0, end.stderr);
    return data;
}

test('a configuration that is not there, is a folder, is wrong', async () => {
    for (const [file, says] of [[join(scratch, 'missing.yaml'), /^isolane: --config: cannot read .*missing\.yaml: No such file/], [scratch, /^isolane: --config: .*isolane-e2e-/]]) {
        const end = await isolane(['up', '--config', file, '--data', fresh_folder()]);
        assert.deepEqual([end.code, end.stdout], [2, ''], end.stderr);
        assert.match(end.stderr, says);
    }
    await refused(['up', '--data', fresh_folder()], /missing-2\.yaml/, { env: { ISOLANE_CONFIG: join(scratch, 'missing-2.yaml') } });
    for (const [text, pattern] of [
        ['pool: many\n', /:1: pool: found .*many.*; allowed: a whole number from 1 to 256/],
        ['worker: w\npool: 1000\n', /:2: pool: found .*1000.*; allowed: a whole number from 1 to 256/],
        ['polo: 4\n', /:1: .*polo.*pool/],
        ['nats:\n  url: nats://127.0.0.1\n  ulr: x\n', /:3: .*nats\.ulr.*nats\.url/],
        ['tenants:\n  - name: a b\n', /:2: tenants\[0\]\.name: found .*a b/],
        ['tenants:\n  - name: a\n  - name: a\n', /:3: .*tenants\[1\]\.name.*a/],
        ['limits: {ceilings: {cpu_ms: -5}}\n', /:1: limits\.ceilings\.cpu_ms: found .*-5.*; allowed: /],
        ['pool: [4\n', /:\d+: /],
        ['\tpool: 4\n', /:1: /],
        ['jail: maybe\n', /:1: jail: found .*maybe.*; allowed: .*require.*prefer.*off/],
    ]) {
        const file = config_file(text);
        const end = await refused(['up', '--config', file, '--data', fresh_folder()], pattern);
        assert.ok(end.stderr.includes(file), end.stderr);
    }
    await refused(['up', '--data', fresh_folder()], /ISOLANE_POOL: .*found .*many.*; allowed: a whole number from 1 to 256/, { env: { ISOLANE_POOL: 'many' } });
    const flag = await isolane(['up', '--set', 'pool=many', '--data', fresh_folder()]);
    assert.deepEqual([flag.code, flag.stdout], [2, ''], 'a wrong flag is usage');
    assert.match(flag.stderr, /^isolane: --set: pool: found 'many'; allowed: [^\n]*\n$/);
});

test('an input that is not there is exit code 2 with every command, before anything is asked of a server', async () => {
    const good = script, none = join(scratch, 'is-not-there'), nats = ['--nats', 'nats://127.0.0.1:1'];
    for (const args of [
        ['run', none], ['run', good, none], ['run', good, '--input', `@${none}`], ['run', good, '--artifact', `x=${none}`], ['run', good, '--secret', `X=@${none}`],
        ['submit', none, ...nats], ['submit', good, '--artifact', `x=${none}`, ...nats], ['submit', good, '--secret', `X=@${none}`, ...nats], ['submit', good, '--key', none, ...nats],
        ['submit', '--batch', none, '--id', 'b', ...nats], ['call', none, ...nats], ['call', good, '--key', none, ...nats], ['check', none], ['schedule', 'add', 'x', none, '--cron', '* * * * *', ...nats],
        ['artifact', 'put', none, ...nats], ['dead', 'retry', 'x', '--key', none, ...nats], ['verify', none], ['verify', '--db', none], ['verify', good, '--key', none], ['ls', '--db', none],
        ['export', '--db', none], ['backup', `${none}.copy`, '--db', none], ['archive', '--db', join(scratch, 'a.db'), '--trust', none, ...nats], ['secret', 'key', '--to', none], ['doctor', '--config', none],
    ]) {
        const end = await isolane([...args, '--data', join(scratch, 'no-data')]);
        assert.deepEqual([end.code, end.stdout], [2, ''], `${args}: ${end.stderr}`);
        assert.match(end.stderr, /^isolane: [^\n]*is-not-there[^\n]*\n$/, `${args}`);
    }
});

test('nats-server is not there, or is no nats-server', async () => {
    const missing = { nats_server: join(scratch, 'no-such-server') };
    await refused(['up', '--config', config_file(missing), '--data', fresh_folder()], /nats_server: cannot run .*no-such-server: No such file/);
    await refused(['up', '--config', config_file({ nats_server: 'no-such-server' }), '--data', fresh_folder()], /cannot find no-such-server in PATH.*install/);
    const liar = join(scratch, 'liar');
    writeFileSync(liar, '#!/bin/sh\nexit 7\n');
    chmodSync(liar, 0o755);
    await refused(['up', '--config', config_file({ nats_server: liar }), '--data', fresh_folder()], /nats-server ended at once \(exit status 7\)/);
});

test('the port is occupied', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.on('listening', done));
    const { port } = server.address();
    await refused(['up', '--set', `nats.port=${port}`, '--data', fresh_folder()], new RegExp(`nats-server.*127\\.0\\.0\\.1:${port}.*address already in use`));
    server.close();
});

test('a port that is free is the one that is used', async () => {
    const port = await free_port();
    const w = await up({ args: ['--set', `nats.port=${port}`] });
    assert.equal(w.url, `nats://127.0.0.1:${port}`);
    await w.stop();
});

test('no server at the address; no address at all', async () => {
    const port = await free_port();
    await refused(['worker', '--nats', `nats://127.0.0.1:${port}`, '--data', fresh_folder()], new RegExp(`127\\.0\\.0\\.1:${port}`));
    await refused(['submit', script, '--nats', `nats://127.0.0.1:${port}`], new RegExp(`127\\.0\\.0\\.1:${port}`));
    for (const command of [['worker'], ['submit', script], ['result', 'x'], ['cancel', 'x'], ['logs', 'x', '--follow']])
        await refused([...command, '--data', fresh_folder()], /--nats.*NATS_URL.*isolane up/);
});

test('a server without JetStream', async () => {
    const port = await free_port();
    const server = start('/usr/sbin/nats-server', ['-a', '127.0.0.1', '-p', String(port)]);
    await until('it to listen', () => server.text.stderr.includes('Server is ready'));
    await refused(['worker', '--nats', `nats://127.0.0.1:${port}`, '--data', fresh_folder()], /JetStream/);
    server.child.kill();
    await server.ended;
});

test('the data folder is a file, lies in one, or nowhere', async () => {
    const file = join(scratch, 'a-file');
    writeFileSync(file, '');
    await refused(['run', script, '--data', file], /data folder: .*a-file is a file; a folder is needed/);
    await refused(['run', script, '--data', join(file, 'inner')], /data folder.*a-file.*Not a directory/i);
    await refused(['up', '--data', join(file, 'inner')], /data folder.*a-file.*Not a directory/i);
    await refused(['up', '--detach', '--data', join(file, 'inner')], /a-file.*Not a directory/i);
    await refused(['run', script, '--data', '/proc/isolane-test'], /\/proc\/isolane-test/);
    const loop = join(scratch, 'loop');
    symlinkSync(loop, loop);
    await refused(['run', script, '--data', loop], /loop/);
});

test('the data folder cannot be written', async (t) => {
    const folder = fresh_folder();
    mkdirSync(folder);
    const bind = await run('unshare', ['-rm', 'sh', '-c', 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" run "$3" --data "$1"', '-',
        folder, join(build, 'isolane'), script]);
    if (/unshare|mount/.test(bind.stderr)) {
        t.skip(`no read-only mount to be had: ${bind.stderr.trim()}`);
        return;
    }
    assert.equal(bind.code, 3, bind.stdout + bind.stderr);
    assert.match(bind.stderr, /^isolane: [^\n]*Read-only file system[^\n]*\n$/);
});

test('a second worker on the same folder', async () => {
    const w = await up();
    await refused(['up', '--data', w.data], new RegExp(`data folder .* is in use by process ${w.pid}: `));
    await refused(['up', '--detach', '--data', w.data], new RegExp(`in use by process ${w.pid}`));
    await refused(['worker', '--nats', w.url, '--data', w.data], new RegExp(`in use by process ${w.pid}`));
    await w.stop();
});

test('a database of a newer schema is refused and left as it is', async () => {
    const data = await used_folder(), db = join(data, 'run.db');
    assert.equal((await run('sqlite3', [db, 'pragma user_version = 99; pragma wal_checkpoint(truncate);'])).code, 0);
    const before = readFileSync(db);
    await refused(['run', script, '--data', data], /run\.db.*(schema|version).*99/);
    assert.deepEqual(readFileSync(db), before);
    const w_data = fresh_folder();
    mkdirSync(w_data);
    writeFileSync(join(w_data, 'results.db'), before);
    await refused(['up', '--data', w_data], /results\.db.*99/);
    await refused(['verify', '--db', db, '--data', data], /run\.db.*99/);
});

test('a results file that is no database', async () => {
    const data = await used_folder();
    for (const end of ['-wal', '-shm']) rmSync(join(data, `run.db${end}`), { force: true });
    writeFileSync(join(data, 'run.db'), 'this is no database '.repeat(1000));
    await refused(['run', script, '--data', data], /run\.db is not an SQLite database/);
});

test('a wrong key file: no key, another kind of key, a public one, open to others, a folder', async () => {
    const data = await used_folder(), key = join(data, 'worker.key');
    const good = readFileSync(key);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }), ed = generateKeyPairSync('ed25519'), x = generateKeyPairSync('x25519');
    const pem = (k, type) => k.export({ type, format: 'pem' });
    for (const [what, text] of [
        ['text', 'hello\n'], ['nothing', ''], ['an RSA key', pem(rsa.privateKey, 'pkcs8')], ['an X25519 key', pem(x.privateKey, 'pkcs8')],
        ['a public key', pem(ed.publicKey, 'spki')], ['a cut-off key', good.subarray(0, 60)], ['much text', 'x'.repeat(1e6)],
    ]) {
        writeFileSync(key, text);
        await refused(['run', script, '--data', data], /worker\.key/).catch((error) => { throw new Error(`${what}: ${error.message}`); });
    }
    writeFileSync(key, good);
    chmodSync(key, 0o640);
    await refused(['run', script, '--data', data], /worker\.key.*(0?640|others|group).*(chmod|600)/);
    chmodSync(key, 0o600);
    assert.equal((await isolane(['run', script, '--data', data])).code, 0, 'the good key is good again');
    rmSync(key);
    mkdirSync(key);
    await refused(['run', script, '--data', data], /worker\.key/);
});

test('another key than the public one beside it', async () => {
    const data = await used_folder();
    writeFileSync(join(data, 'worker.key'), generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const end = await isolane(['run', script, '--data', data]);
    assert.ok(end.code === 3 ? /worker\.(key|pub)/.test(end.stderr) : end.code === 0, end.stderr);
    if (end.code === 0) { // then the public half was made to fit
        const exported = await isolane(['keys', 'export', '--data', data]);
        assert.equal(exported.stdout, readFileSync(join(data, 'worker.pub'), 'utf8'));
    }
});

test('the engine is not there, or is not whole', async () => {
    const engine = join(scratch, 'engine');
    await refused(['run', script, '--data', fresh_folder()], /ISOLANE_ENGINE_DIR.*run make/, { env: { ISOLANE_ENGINE_DIR: engine } });
    mkdirSync(engine);
    symlinkSync(join(root, 'build/engine/node'), join(engine, 'node'));
    symlinkSync(join(root, 'build/engine/libisolane-cell.so'), join(engine, 'libisolane-cell.so'));
    await refused(['run', script, '--data', fresh_folder()], /snapshot\.bin/, { env: { ISOLANE_ENGINE_DIR: engine } });
    writeFileSync(join(engine, 'snapshot.bin'), 'no snapshot');
    await refused(['run', script, '--data', fresh_folder()], /snapshot/, { env: { ISOLANE_ENGINE_DIR: engine } });
    rmSync(join(engine, 'snapshot.bin'));
    symlinkSync(join(root, 'build/engine/snapshot.bin'), join(engine, 'snapshot.bin'));
    const end = await isolane(['run', script, '--data', fresh_folder()], { env: { ISOLANE_ENGINE_DIR: engine } });
    assert.equal(end.code, 0, end.stderr);
});

test('a misspelt fault point ends the program: no test passes by mistake', async () => {
    const end = await isolane(['version'], { env: { ISOLANE_FAULT: 'job_recieved' } });
    assert.notEqual(end.code, 0);
    assert.match(end.stderr, /job_recieved/);
});

test('nothing is left in a folder by a start that failed', async () => {
    const data = fresh_folder();
    await refused(['up', '--config', config_file({ nats_server: join(scratch, 'no-such-server') }), '--data', data], /nats_server/);
    assert.equal(existsSync(join(data, 'nats.url')), false);
    const w = await up({ data });
    await w.stop();
});
