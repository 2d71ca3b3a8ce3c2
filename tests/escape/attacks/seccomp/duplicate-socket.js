// layer: seccomp
// attack: makes a second descriptor of its socket
// success: the call reaches the kernel
// denied: dup
// control: succeeds
const answer = sys.dup(0);
export default escaped(`the kernel answered ${answer}`);
