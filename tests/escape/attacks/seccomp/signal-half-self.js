// layer: seccomp
// attack: names its own process and another thread
// success: the call reaches the kernel
// denied: tgkill
// control: succeeds
const answer = sys.tgkill(sys.getpid(), target.pid, 0);
export default escaped(`the kernel answered ${answer}`);
