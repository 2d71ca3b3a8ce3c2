// layer: seccomp
// attack: stops the kernel in the middle of a copy
// success: the call reaches the kernel
// reference: userfaultfd(2)
// denied: userfaultfd
// control: succeeds
const answer = sys.userfaultfd(1);
export default escaped(`the kernel answered ${answer}`);
