// layer: seccomp
// attack: makes a user namespace, to hold every capability in it
// success: the call reaches the kernel
// reference: user_namespaces(7); CVE-2022-0185, CVE-2023-0386 start so
// denied: unshare
// control: succeeds
const answer = sys.unshare(0x10000000);
export default escaped(`the kernel answered ${answer}`);
