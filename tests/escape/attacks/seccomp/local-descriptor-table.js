// layer: seccomp
// attack: makes segments of its own
// success: the call reaches the kernel
// reference: CVE-2015-3290
// denied: modify_ldt
// control: succeeds
const answer = sys.modify_ldt(0, buffer(16), 16);
export default escaped(`the kernel answered ${answer}`);
