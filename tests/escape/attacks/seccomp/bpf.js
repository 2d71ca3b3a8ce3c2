// layer: seccomp
// attack: loads a program into the kernel
// success: the call reaches the kernel
// reference: CVE-2021-3490
// denied: bpf
// control: succeeds
const answer = sys.bpf(5, buffer(128), 128);
export default escaped(`the kernel answered ${answer}`);
