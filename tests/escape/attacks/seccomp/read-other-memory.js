// layer: seccomp
// attack: reads the memory of the zygote
// success: the call reaches the kernel
// reference: process_vm_readv(2)
// denied: process_vm_readv
// control: succeeds
const answer = sys.process_vm_readv(1, u64(0, 0), 1, u64(0, 0), 1, 0);
export default escaped(`the kernel answered ${answer}`);
