// layer: seccomp
// attack: makes a TCP socket
// success: the call reaches the kernel
// reference: socket(2)
// denied: socket
// control: succeeds
const answer = sys.socket(2, 1, 0);
export default escaped(`the kernel answered ${answer}`);
