// layer: seccomp
// attack: uses the one signal call that is allowed on somebody else
// success: the call reaches the kernel
// reference: the filter compares both arguments with the cell's own pid
// denied: tgkill
// control: succeeds
const answer = sys.tgkill(target.pid, target.pid, 0);
export default escaped(`the kernel answered ${answer}`);
