// layer: seccomp
// attack: loads a module into the kernel
// success: the call reaches the kernel
// denied: finit_module
// control: succeeds
const answer = sys.finit_module(0, "", 0);
export default escaped(`the kernel answered ${answer}`);
