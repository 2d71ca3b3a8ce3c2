// layer: seccomp
// attack: reads the kernel's addresses from its log
// success: the call reaches the kernel
// denied: syslog
// control: succeeds
const answer = sys.syslog(3, buffer(64), 64);
export default escaped(`the kernel answered ${answer}`);
