// layer: rlimits
// attack: a fork bomb: processes that share its memory and sleep
// success: more than 2,048 of them live
// reference: getrlimit(2), RLIMIT_NPROC
// with: no_caps foreign_uid
// root: yes
// denied: clone
// limits: --cpu-ms 8000 --wall-ms 20000 --memory-mb 256
// control: succeeds
// clone(CLONE_VM | SIGCHLD) without a stack of their own: they touch none. As fork_sleeper, rdi set first.
const spawn = new Uint8Array([0xbf, 0x11, 1, 0, 0, 0x31, 0xf6, 0x31, 0xd2, 0x45, 0x31, 0xd2, 0x45, 0x31, 0xc0, 0xb8, 56, 0, 0, 0, 0x0f, 5, 0x85, 0xc0, 0x75, 9, 0xb8, 34, 0, 0, 0, 0x0f, 5, 0xeb, 0xf7, 0x48, 0x98, 0xc3]);
const children = [];
while (children.length < 2200) {
    const pid = __native.run(spawn);
    if (pid < 0) break;
    children.push(pid);
}
for (const pid of children) sys.kill(pid, 9);
export default children.length > 2048 ? escaped(`${children.length} lived`) : held(`EAGAIN after ${children.length}`);
