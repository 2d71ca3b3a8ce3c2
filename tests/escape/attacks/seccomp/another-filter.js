// layer: seccomp
// attack: lays a filter of its own over ours, to make calls of V8 fail as it likes
// success: the call reaches the kernel
// denied: seccomp
// control: succeeds
const answer = sys.seccomp(2, 0, u64(0x7fff0000));
export default escaped(`the kernel answered ${answer}`);
