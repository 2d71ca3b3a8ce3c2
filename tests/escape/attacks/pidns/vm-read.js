// layer: pidns
// attack: reads the memory of a process of the host
// success: there is such a process
// reference: process_vm_readv(2)
// denied: process_vm_readv
// control: succeeds
const some = buffer(8), here = __native.address(some);
const answer = sys.process_vm_readv(target.pid, u64(here, 8), 1, u64(4096, 8), 1, 0); // nothing lies at 4096: EFAULT where there is the process
export default answer === -3 ? held('ESRCH') : escaped(answer);
