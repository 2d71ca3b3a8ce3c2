// layer: not_dumpable
// attack: reads the address-space layout of a process of its user
// success: the kernel lets it
// reference: proc(5)
// with: no_caps
// denied: fork
// control: succeeds
const child = fork_sleeper();
const answer = sys.open(`/proc/${child}/maps`, 0);
sys.kill(child, 9);
export default judge(answer);
