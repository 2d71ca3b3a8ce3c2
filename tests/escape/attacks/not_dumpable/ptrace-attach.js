// layer: not_dumpable
// attack: attaches to a process of its user as a debugger
// success: the kernel lets it
// reference: ptrace(2), PTRACE_ATTACH
// with: no_caps
// denied: fork
// control: succeeds
const child = fork_sleeper();
const answer = sys.ptrace(16, child, 0, 0);
sys.kill(child, 9);
export default judge(answer);
