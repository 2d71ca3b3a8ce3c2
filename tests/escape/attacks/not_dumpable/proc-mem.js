// layer: not_dumpable
// attack: opens the memory of a process of its user as a file
// success: the kernel lets it
// reference: proc(5)
// with: no_caps
// denied: fork
// control: succeeds
const child = fork_sleeper();
const answer = sys.open(`/proc/${child}/mem`, 2);
sys.kill(child, 9);
export default judge(answer);
