// layer: not_dumpable
// attack: reads the memory of a process of its user
// success: the kernel lets it
// reference: process_vm_readv(2)
// with: no_caps
// denied: fork
// control: succeeds
const child = fork_sleeper();
const one = buffer(8), here = __native.address(one);
const answer = sys.process_vm_readv(child, u64(here, 8), 1, u64(here, 8), 1, 0);
sys.kill(child, 9);
export default judge(answer);
