// layer: seccomp
// attack: replaces the handler that tells of denied calls
// success: the call reaches the kernel
// denied: rt_sigaction
// control: succeeds
const answer = sys.rt_sigaction(31, u64(1, 0, 0, 0), 0, 8);
export default escaped(`the kernel answered ${answer}`);
