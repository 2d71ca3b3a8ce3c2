// layer: seccomp
// attack: makes a ring that does system calls in its place
// success: the call reaches the kernel
// reference: io_uring is not seen by seccomp; CVE-2022-29582
// denied: io_uring_setup
// control: succeeds
const answer = sys.io_uring_setup(1, buffer(120));
export default escaped(`the kernel answered ${answer}`);
