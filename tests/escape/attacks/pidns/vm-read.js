// layer: pidns
// attack: reads the memory of a process of the host
// success: there is such a process
// reference: pid_namespaces(7)
// denied: process_vm_readv
// control: succeeds
export default judge((() => { const b = buffer(8); return -(sys.process_vm_readv(target.pid, u64(__native.address(b), 8), 1, u64(4096, 8), 1, 0) === -3); })());
