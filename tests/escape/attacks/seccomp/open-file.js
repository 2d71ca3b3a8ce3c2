// layer: seccomp
// attack: opens a file
// success: the call reaches the kernel
// reference: open(2)
// denied: open
// control: succeeds
const answer = sys.open(target.open, 0);
export default escaped(`the kernel answered ${answer}`);
