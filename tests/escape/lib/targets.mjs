// What attacks are aimed at, made for them and gone with the namespaces: files, processes, sockets,
// System V and POSIX objects. Attacks find their names in job.input.target.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

const GROUND_NAME = 'escape-ground'; // enter.sh

const folder = process.env.TMPDIR;
const at = (name) => join(folder, name);

const IPC = `
use strict; $| = 1;
my $shm = shmget(0x15014e, 4096, 01600) // die "shmget: $!";
shmwrite($shm, "canary of shared memory", 0, 64) or die "shmwrite: $!";
my $msg = msgget(0x15014e, 01600) // die "msgget: $!";
my $sem = semget(0x15014e, 1, 01600) // die "semget: $!";
my $name = "isolane-canary"; my $mq = syscall(240, $name, 0102, 0600, 0);
print "$shm $msg $sem $mq\\n"; sleep 600;
`;

async function start(file, args) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child, 'spawn');
    child.unref();
    child.stdout.unref();
    return child;
}

const first_line = async (child) => String((await once(child.stdout, 'data'))[0]).trim();

function listening(server, ...where) {
    return new Promise((done, failed) => {
        server.unref().on('error', failed).listen(...where, () => done(server));
    });
}

const capable = (bit) => (BigInt(`0x${readFileSync('/proc/self/status', 'utf8').match(/^CapEff:\s*(\S+)$/m)[1]}`) >> BigInt(bit)) & 1n ? true : false; // capabilities(7)

export async function make_targets({ is_root }) {
    writeFileSync(at('open'), 'canary that all may read\n', { mode: 0o644 });
    writeFileSync(at('secret'), 'canary that root may read\n', { mode: 0o600 });
    mkdirSync(at('evidence'), { mode: 0o777 });
    chmodSync(at('evidence'), 0o777);
    mkdirSync(at('roots'), { mode: 0o700 });
    mkdirSync(at('mountpoint'));
    for (const [name, mode] of [['suid-touch', 0o4755], ['sgid-touch', 0o2755], ['touch', 0o755]]) {
        copyFileSync('/usr/bin/touch', at(name));
        chmodSync(at(name), mode);
    }
    mkdirSync(at('groups'), { mode: 0o770 });
    chmodSync(at('groups'), 0o770);
    const process_ = await start('perl', ['-e', '$| = 1; print "up\n"; sleep 600']);
    await first_line(process_);
    let stranger = null;
    if (is_root) {
        writeFileSync(at('strangers'), 'canary of somebody else\n', { mode: 0o600 });
        mkdirSync(at('strangers-folder'), { mode: 0o700 });
        for (const name of ['strangers', 'strangers-folder']) chownSync(at(name), 4242, 4242);
        stranger = await start('setpriv', ['--reuid', '4242', '--regid', '4242', '--clear-groups', 'perl', '-e', '$| = 1; print "up\n"; sleep 600']);
        await first_line(stranger);
    }
    const ipc = (await first_line(await start('perl', ['-e', IPC]))).split(' ').map(Number);
    const greet = (socket) => socket.on('error', () => {}).end('canary of a server\n');
    const tcp = await listening(createServer(greet), 0, '127.0.0.1');
    await listening(createServer(greet), '\0isolane-canary');
    await listening(createServer(greet), at('socket'));
    chmodSync(at('socket'), 0o777);
    const udp = createSocket('udp4').unref();
    await new Promise((done) => { udp.bind(0, '127.0.0.1', done); });
    return {
        folder, open: at('open'), secret: at('secret'), strangers: at('strangers'), strangers_folder: at('strangers-folder'),
        evidence: at('evidence'), roots: at('roots'),
        groups: at('groups'), mountpoint: at('mountpoint'), socket: at('socket'), touch: at('touch'), suid: at('suid-touch'), sgid: at('sgid-touch'),
        pid: process_.pid, stranger: stranger?.pid ?? 0, runner: process.pid,
        tcp: tcp.address().port, udp: udp.address().port, abstract: 'isolane-canary',
        raises_limits: capable(24), shm: ipc[0], msg: ipc[1], sem: ipc[2], mq: ipc[3] >= 0 ? 'isolane-canary' : '', hostname: hostname(),
        cgroup_path: readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').some((line) => !line.endsWith(':/')),
    };
}

/** The evidence that an attack left behind, taken away. */
export function take_evidence(name) {
    let found = false;
    for (const dir of ['evidence', 'roots', 'groups', 'strangers-folder']) {
        const path = join(at(dir), name);
        if (!existsSync(path)) continue;
        found = true;
        rmSync(path, { recursive: true, force: true });
    }
    return found;
}

/** True when an attack gave the ground another name; it has its own again. */
export function take_renamed() {
    if (hostname() === GROUND_NAME) return false;
    spawnSync('hostname', [GROUND_NAME]);
    return true;
}
