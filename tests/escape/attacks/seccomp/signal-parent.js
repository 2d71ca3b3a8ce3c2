// layer: seccomp
// attack: signals the zygote
// success: the call reaches the kernel
// denied: kill
// control: succeeds
const answer = sys.kill(1, 0);
export default escaped(`the kernel answered ${answer}`);
