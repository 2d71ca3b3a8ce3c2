// layer: seccomp
// attack: becomes another program by descriptor, without a path
// success: the call reaches the kernel
// denied: execveat
// control: succeeds
const answer = sys.execveat(0, "", u64(0), u64(0), 0x1000);
export default escaped(`the kernel answered ${answer}`);
