// layer: seccomp
// attack: changes the limits of another process by the call that is allowed on itself
// success: the call reaches the kernel
// denied: prlimit64
// control: succeeds
const answer = sys.prlimit64(target.pid, 7, 0, buffer(16));
export default escaped(`the kernel answered ${answer}`);
