// layer: seccomp
// attack: types into the terminal of the worker
// success: the call reaches the kernel
// reference: ioctl_tty(2), TIOCSTI; CVE-2023-28100
// denied: ioctl
// control: succeeds
const answer = sys.ioctl(0, 0x5412, "x");
export default escaped(`the kernel answered ${answer}`);
