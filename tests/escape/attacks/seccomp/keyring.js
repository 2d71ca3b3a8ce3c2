// layer: seccomp
// attack: looks into the keyrings of its user
// success: the call reaches the kernel
// reference: keyrings(7): not in any namespace but the user's; CVE-2016-0728
// denied: keyctl
// control: succeeds
const answer = sys.keyctl(0, -4, 1);
export default escaped(`the kernel answered ${answer}`);
