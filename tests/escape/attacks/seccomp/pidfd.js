// layer: seccomp
// attack: takes a descriptor of the zygote, to signal it or to take its descriptors
// success: the call reaches the kernel
// reference: pidfd_getfd(2)
// denied: pidfd_open
// control: succeeds
const answer = sys.pidfd_open(1, 0);
export default escaped(`the kernel answered ${answer}`);
