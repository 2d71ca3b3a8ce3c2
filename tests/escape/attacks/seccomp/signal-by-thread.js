// layer: seccomp
// attack: uses the one signal call that is allowed on somebody else
// success: the call reaches the kernel
// reference: the filter compares both arguments with the cell's own pid
// denied: tgkill
// control: succeeds
// In its own pid namespace the cell may happen to have the number that the target has outside.
const other = sys.getpid() === target.pid ? 1 : target.pid;
const answer = sys.tgkill(other, other, 0);
export default escaped(`the kernel answered ${answer}`);
