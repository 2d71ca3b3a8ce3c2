// layer: seccomp
// attack: enters a namespace by a descriptor
// success: the call reaches the kernel
// denied: setns
// control: succeeds
const answer = sys.setns(0, 0);
export default escaped(`the kernel answered ${answer}`);
