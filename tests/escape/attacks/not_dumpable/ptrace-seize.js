// layer: not_dumpable
// attack: attaches without stopping it
// success: the kernel lets it
// reference: ptrace(2), PTRACE_SEIZE
// with: no_caps
// denied: fork
// control: succeeds
const child = fork_sleeper();
const answer = sys.ptrace(0x4206, child, 0, 0);
sys.kill(child, 9);
export default judge(answer);
