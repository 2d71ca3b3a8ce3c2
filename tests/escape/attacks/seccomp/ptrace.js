// layer: seccomp
// attack: asks to be traced
// success: the call reaches the kernel
// reference: ptrace(2)
// denied: ptrace
// control: succeeds
const answer = sys.ptrace(0x4200, 1, 0, 0);
export default escaped(`the kernel answered ${answer}`);
