// layer: seccomp
// attack: makes a process by the newest call
// success: the call reaches the kernel
// reference: clone3(2)
// denied: clone3
// control: succeeds
const answer = sys.clone3(buffer(8), 8);
export default escaped(`the kernel answered ${answer}`);
