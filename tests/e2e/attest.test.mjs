// Attested start: no job before a cell of the zygote has tried to break out and failed; no job any more when it succeeds.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, root } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { NatsServer, up, worker } from './lib/worker.mjs';

const hole = (name) => ({ ISOLANE_ENGINE_DIR: join(root, 'build', `hole-${name}`) });

/** An engine folder whose cells lie about their attempts (tests/zygote/lying_probe.c). */
function lying(lie) {
    const dir = fresh_folder('engine'), from = join(root, 'build/lying-engine');
    mkdirSync(dir);
    for (const name of ['node', 'libisolane-cell.so']) symlinkSync(join(from, name), join(dir, name));
    writeFileSync(join(dir, 'snapshot.bin'), `${lie}\n`);
    return { ISOLANE_ENGINE_DIR: dir };
}
const run = (env, ...args) => isolane(['run', '-', '--json', '--data', fresh_folder(), ...args], { env, input: 'value 1' });
const refused = (end, pattern) => {
    assert.deepEqual([end.code, end.stdout], [3, ''], end.stderr);
    assert.match(end.stderr.trim().split('\n').at(-1), pattern);
};

// ---- as it should be ---------------------------------------------------------------------------------

test('attest: each attempt of the set is held by its own layer; the hash is that of the text', async () => {
    const json = await isolane(['attest', '--json']);
    assert.deepEqual([json.code, json.stderr], [0, '']);
    const { held, set, attempts } = JSON.parse(json.stdout);
    assert.equal(held, true);
    assert.ok(attempts.length >= 100, `${attempts.length} attempts`);
    for (const a of attempts) {
        assert.equal(a.end, 'held', JSON.stringify(a));
        if (a.layer === 'seccomp') assert.equal(a.how, `trapped ${a.what.match(/^\w+/)[0]}`);
    }
    const text = await isolane(['attest', '--text']);
    assert.equal(text.stdout, attempts.map((a) => `${a.name}\t${a.layer}\t${a.what}\n`).join(''));
    assert.equal(createHash('sha256').update(text.stdout).digest('hex'), set);
    const table = await isolane(['attest']);
    assert.equal(table.code, 0);
    for (const a of attempts) assert.match(table.stdout, new RegExp(`^${a.name} +${a.layer} +held `, 'm'));
    assert.ok(table.stdout.includes(set));
});

test('`jail: off`: nothing is tried, and jobs run', async () => {
    const end = await isolane(['attest', '--json', '--set', 'jail=off']);
    const { attempts } = JSON.parse(end.stdout);
    for (const a of attempts) assert.equal(a.end, a.layer === 'process' ? 'held' : 'skipped', JSON.stringify(a));
    const job = await isolane(['run', '-', '--json', '--set', 'jail=off', '--data', fresh_folder()], { input: 'export default 1' });
    const { value, attestation } = JSON.parse(job.stdout);
    assert.deepEqual({ value, attestation }, { value: 1, attestation: null });
});

// ---- a jail that does not hold -------------------------------------------------------------------------

test('a hole in the filter: run, up and worker refuse, naming the attempt and its layer', async () => {
    const what = /^isolane: the jail does not hold: escape attempt open_root \(and \d+ more\), openat\(.*layer seccomp; found: .*; no jobs are run here/; // Landlock, where there is one, refuses behind the filter
    refused(await isolane(['run', '-', '--data', fresh_folder()], { env: hole('openat'), input: 'console.log("ran")' }), what);
    refused(await isolane(['up', '--data', fresh_folder()], { env: hole('openat') }), what);
    const server = await NatsServer.start();
    refused(await isolane(['worker', '--nats', server.url, '--data', fresh_folder()], { env: hole('openat') }), what);
    await server.stop();
});

test('the attempts are real ones: with a filter that lets nearly everything pass each is reported', async () => {
    const end = await isolane(['attest', '--json'], { env: hole('all') });
    assert.equal(end.code, 3);
    const { attempts, held } = JSON.parse(end.stdout);
    assert.equal(held, false);
    const kept = ['find_parent', 'signal_zygote_group', 'signal_own_group_as_zygote', 'limits_of_zygote']; // tools/mkfilter.c
    const in_filter = attempts.filter((a) => a.layer === 'seccomp');
    assert.deepEqual(in_filter.filter((a) => a.end === 'held').map((a) => a.name), kept);
    const how = (name) => attempts.find((a) => a.name === name).how;
    const could = (name) => assert.equal(how(name), 'it succeeded', name);
    ['fork_process', 'vfork_process', 'clone_process', 'socket_unix', 'socket_pair', 'signal_zygote', 'create_memory_file',
        'read_other_files', 'become_dumpable', 'make_timer'].forEach(could);
    assert.match(how('new_namespaces'), /^(it succeeded|No space left on device)$/); // where /proc/sys could be written, none may be made
});

for (const [lie, pattern] of [
    ['escaped map_zero', /escape attempt map_zero, mmap.*layer no_caps; found: it succeeded/],
    ['errno fork_process', /escape attempt fork_process, .*layer seccomp; found: No such file or directory/],
    ['wrong', /escape attempt open_file \(and \d+ more\).*found: trapped getppid/],
    ['skipped', /the report of escape attempt open_file is malformed/],
    ['garbage', /the cell ended its escape attempts with an error/],
    ['object', /the report of the escape attempts is not complete/],
    ['short', /the report of the escape attempts is not complete/],
    ['long', /the report of the escape attempts is not complete/],
    ['big', /the jail is not attested: DONE with a value larger than/],
    ['print', /the cell said something else than its report/],
    ['mute', /ended without a report/],
    ['crash', /ended without a report/],
    ['hang', /did not report in time/],
])
    test(`a cell that says: ${lie}`, async () => refused(await run(lying(lie)), pattern));

test('the same cell, honest: its job runs', async () => {
    const end = await run(lying('honest'));
    assert.equal(end.code, 0, end.stderr);
    assert.equal(JSON.parse(end.stdout).value, 1);
});

// ---- on the timer -----------------------------------------------------------------------------------------

test('attest_interval_s: made again and again, beside the jobs', async () => {
    const w = await up({ config: { attest_interval_s: 1, log_level: 'debug' } });
    const c = await Client.connect(w.url);
    const times = () => [...w.stderr.matchAll(/attested: (\d+) attempts held, 0 not tried/g)].length;
    await until('three attestations', () => times() >= 3);
    const set = createHash('sha256').update((await isolane(['attest', '--text'])).stdout).digest('hex');
    const r = await c.execute({ script: 'export default 1' });
    assert.equal(r.outcome, 'ok');
    assert.deepEqual(Object.keys(r.attestation), ['set', 'at']);
    assert.equal(r.attestation.set, set);
    assert.ok(Date.parse(r.attestation.at) <= Date.parse(r.started_at), `${r.attestation.at}, then ${r.started_at}`);
    const so_far = times();
    await until('one more', () => times() > so_far);
    const next = await c.execute({ script: 'export default 1' });
    assert.ok(Date.parse(next.attestation.at) > Date.parse(r.attestation.at), 'the time is that of the last one');
    assert.equal((await c.execute({ id: 'never-ran', script: 1 })).attestation, null);
    await c.close();
    await w.stop();
});

test('an attempt that succeeds later: the worker takes no more jobs, hands back what it has, says why and ends', async () => {
    const server = await NatsServer.start();
    const config = { attest_interval_s: 1, max_running: 1 };
    const w = await worker(server.url, { config, env: lying('later 4000 open_root') });
    const c = await Client.connect(server.url);
    await c.publish({ id: 'first', script: 'value 1' });
    assert.equal((await c.result('first')).value, 1);
    await c.publish({ id: 'running', script: 'print on\nsleep 60000\nvalue 2', limits: { wall_ms: 60000 } });
    await c.publish({ id: 'waiting', script: 'value 3' });
    const end = await w.end();
    assert.equal(end.code, 3, end.stderr);
    assert.match(end.stderr.trim().split('\n').at(-1), /^isolane: the jail does not hold: escape attempt open_root, /);
    assert.match(end.stderr, /error pool: the jail does not hold: escape attempt open_root, /);
    assert.equal(await c.jobs_left(), 2, 'both are in the queue again');
    const next = await worker(server.url, { config: { max_running: 2 }, env: lying('honest') });
    assert.equal((await c.result('waiting')).value, 3);
    assert.equal((await c.result('waiting')).attempts, 1);
    await c.cancel('running');
    assert.equal((await c.result('running')).outcome, 'cancelled');
    await c.close();
    await next.stop();
    await server.stop();
});

test('a zygote that is replaced is attested before its cells get jobs', async () => {
    const w = await up({ config: { log_level: 'debug' } });
    const c = await Client.connect(w.url);
    const [old] = w.zygotes();
    assert.equal((await c.execute({ script: 'export default 1' })).outcome, 'ok');
    process.kill(old, 'SIGKILL');
    assert.equal((await c.execute({ script: 'export default 2' })).value, 2);
    await until('its successor', () => w.stderr.match(/ attested:/g)?.length === 2);
    const said = [...w.stderr.matchAll(/zygote (\d+) (up|attested):/g)].map((m) => `${m[1]} ${m[2]}`);
    const pids = [...new Set(said.map((s) => s.split(' ')[0]))];
    assert.ok(pids.length >= 2, said.join(', '));
    assert.deepEqual(said, pids.flatMap((pid) => [`${pid} up`, `${pid} attested`]));
    await c.close();
    await w.stop();
});
