// layer: seccomp
// attack: asks for the machine's ports
// success: the call reaches the kernel
// denied: iopl
// control: succeeds
const answer = sys.iopl(3);
export default escaped(`the kernel answered ${answer}`);
