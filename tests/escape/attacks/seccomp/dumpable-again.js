// layer: seccomp
// attack: makes itself dumpable again, so that a neighbour may trace it
// success: the call reaches the kernel
// reference: prctl(2), PR_SET_DUMPABLE
// denied: prctl
// control: succeeds
const answer = sys.prctl(4, 1, 0, 0, 0);
export default escaped(`the kernel answered ${answer}`);
