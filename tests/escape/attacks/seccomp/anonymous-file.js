// layer: seccomp
// attack: makes a file in memory, to execute it
// success: the call reaches the kernel
// denied: memfd_create
// control: succeeds
const answer = sys.memfd_create("x", 0);
export default escaped(`the kernel answered ${answer}`);
