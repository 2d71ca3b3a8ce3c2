// layer: not_dumpable
// attack: takes a descriptor out of a process of its user
// success: the kernel lets it
// reference: pidfd_getfd(2)
// with: no_caps
// denied: fork
// control: succeeds
const child = fork_sleeper();
const answer = sys.pidfd_getfd(sys.pidfd_open(child, 0), 0, 0);
sys.kill(child, 9);
export default judge(answer);
