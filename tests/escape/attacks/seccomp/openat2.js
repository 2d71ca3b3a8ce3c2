// layer: seccomp
// attack: opens a file by the newest of the calls for it
// success: the call reaches the kernel
// reference: openat2(2)
// denied: openat2
// control: succeeds
const answer = sys.openat2(-100, target.open, u64(0, 0, 0), 24);
export default escaped(`the kernel answered ${answer}`);
