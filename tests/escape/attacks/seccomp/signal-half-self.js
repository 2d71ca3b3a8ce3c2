// layer: seccomp
// attack: names its own process and another thread
// success: the call reaches the kernel
// denied: tgkill
// control: succeeds
// In its own pid namespace the cell may happen to have the number that the target has outside.
const other = sys.getpid() === target.pid ? 1 : target.pid;
const answer = sys.tgkill(sys.getpid(), other, 0);
export default escaped(`the kernel answered ${answer}`);
