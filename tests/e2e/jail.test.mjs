// A running cell as the kernel sees it: what `isolane doctor` and the result's `jail` promise is in force.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { cpu_ms, isolane, status_of, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const root = process.getuid() === 0;
const only_root = root ? {} : { skip: 'only root can look into a jailed process' };
let w, c, cell;
before(async () => {
    w = await up();
    c = await Client.connect(w.url);
    await c.publish({ id: 'looked-at', script: 'console.log("here"); for (;;);', limits: { cpu_ms: 60_000, wall_ms: 60_000 } });
    cell = await until('a cell that runs', () => w.cells().find((pid) => cpu_ms(pid) >= 50));
});
after(async () => {
    await c?.cancel('looked-at');
    const r = await c?.result('looked-at');
    await c?.close();
    await w?.stop();
    assert.equal(r?.outcome, 'cancelled', 'it was alive all the time');
});

test('no capabilities, no new privileges, a seccomp filter', () => {
    for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb']) assert.match(status_of(cell, set), /^0+$/, set);
    assert.equal(status_of(cell, 'NoNewPrivs'), '1');
    assert.equal(status_of(cell, 'Seccomp'), '2');
    assert.equal(status_of(cell, 'Seccomp_filters'), '2', 'the zygote\'s and its own');
});

test('it is nobody, and no user of this machine that means anything', () => {
    const uids = status_of(cell, 'Uid').split(/\s+/);
    assert.equal(new Set(uids).size, 1);
    if (root) assert.notEqual(uids[0], '0');
    assert.ok(status_of(cell, 'Groups').trim().split(/\s+/).filter(Boolean).every((g) => g !== '0'), status_of(cell, 'Groups'));
});

test('namespaces of its own: user, mount, pid, net, ipc, uts, cgroup', only_root, () => {
    for (const ns of ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'])
        assert.notEqual(readlinkSync(`/proc/${cell}/ns/${ns}`), readlinkSync(`/proc/self/ns/${ns}`), ns);
    assert.match(status_of(cell, 'NSpid'), /^\d+\s+\d+$/);
});

test('an empty root folder that nothing can be written to, nothing else mounted', only_root, () => {
    assert.deepEqual(readdirSync(`/proc/${cell}/root`), []);
    const mounts = readFileSync(`/proc/${cell}/mounts`, 'utf8').trim().split('\n');
    assert.equal(mounts.length, 1, mounts.join('\n'));
    assert.match(mounts[0], / \/ \S+ ro[, ]/);
});

test('no network but for nothing: not even a loopback that is up', only_root, () => {
    const devices = readFileSync(`/proc/${cell}/net/dev`, 'utf8').trim().split('\n').slice(2).map((line) => line.trim().split(':')[0]);
    assert.deepEqual(devices.filter((d) => d !== 'lo'), []);
    assert.equal(readFileSync(`/proc/${cell}/net/route`, 'utf8').trim().split('\n').length, 1);
});

test('no open files: sockets to the supervisor and nothing else', only_root, () => {
    const open = readdirSync(`/proc/${cell}/fd`).map((fd) => readlinkSync(`/proc/${cell}/fd/${fd}`));
    assert.ok(open.length <= 8, `${open}`);
    for (const what of open) assert.match(what, /^(socket:|anon_inode:|pipe:|\/dev\/null$)/, `${open}`);
});

test('limits of the process: no core, no files, no processes', () => {
    const limits = readFileSync(`/proc/${cell}/limits`, 'utf8');
    const of = (name) => limits.match(new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm')).slice(1);
    assert.deepEqual(of('Max core file size'), ['0', '0']);
    assert.deepEqual(of('Max file size'), ['0', '0']);
    assert.ok(Number(of('Max open files')[1]) <= 64, `${of('Max open files')}`);
    assert.notEqual(of('Max data size')[0], 'unlimited');
});

test('its environment tells nothing', only_root, () => {
    const names = readFileSync(`/proc/${cell}/environ`, 'utf8').split('\0').filter(Boolean).map((entry) => entry.split('=')[0]);
    for (const name of names) assert.ok(['LD_PRELOAD', 'LD_BIND_NOW', 'TZ', 'LANG', 'LC_ALL'].includes(name), `${names}`);
});

test('the result lists the layers in force, and doctor shows the same', async () => {
    const r = await c.execute({ script: 'export default 1' });
    const all = ['userns', 'mountns', 'pidns', 'netns', 'ipcns', 'utsns', 'cgroupns', 'no_caps', 'no_new_privs', 'rlimits', 'seccomp', 'not_dumpable'];
    const optional = ['landlock', 'cgroup']; // where the machine has them
    assert.deepEqual(r.jail.filter((layer) => !optional.includes(layer)), all);
    const doctor = await isolane(['doctor', '--data', w.data]);
    for (const layer of all) assert.ok(doctor.stdout.includes(layer), `${layer} in\n${doctor.stdout}`);
    for (const layer of optional)
        assert.match(doctor.stdout, new RegExp(`^jail ${layer} +${r.jail.includes(layer) ? 'ok' : 'warning'}`, 'm'));
});

test('`jail: off` is said in every result', async () => {
    const end = await isolane(['run', '-', '--json', '--set', 'jail=off', '--data', `${w.data}-off`], { input: 'export default 1' });
    assert.equal(end.code, 0, end.stderr);
    const { jail } = JSON.parse(end.stdout);
    assert.ok(!jail.includes('userns') && !jail.includes('netns'), `${jail}`);
});
