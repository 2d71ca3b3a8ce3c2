// layer: seccomp
// attack: makes a pair of sockets, to pass descriptors through
// success: the call reaches the kernel
// denied: socketpair
// control: succeeds
const answer = sys.socketpair(1, 1, 0, buffer(8));
export default escaped(`the kernel answered ${answer}`);
