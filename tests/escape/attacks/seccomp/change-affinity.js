// layer: seccomp
// attack: moves to the processor of a neighbour
// success: the call reaches the kernel
// denied: sched_setaffinity
// control: succeeds
const answer = sys.sched_setaffinity(0, 8, u64(-1n & 0xffffffffffffffffn));
export default escaped(`the kernel answered ${answer}`);
