// layer: seccomp
// attack: counts cache misses of its neighbours
// success: the call reaches the kernel
// reference: CVE-2013-2094
// denied: perf_event_open
// control: succeeds
const answer = sys.perf_event_open(buffer(128), 0, -1, -1, 0);
export default escaped(`the kernel answered ${answer}`);
