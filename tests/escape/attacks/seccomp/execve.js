// layer: seccomp
// attack: becomes another program
// success: the call reaches the kernel
// denied: execve
// control: succeeds
const answer = sys.execve("/none", u64(0), u64(0));
export default escaped(`the kernel answered ${answer}`);
