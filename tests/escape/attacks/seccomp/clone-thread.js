// layer: seccomp
// attack: makes a thread, that the watchdog does not count
// success: the call reaches the kernel
// reference: clone(2); the flag is none that exists
// denied: clone
// control: succeeds
const answer = sys.clone(0x1000000000, 0, 0, 0, 0);
export default escaped(`the kernel answered ${answer}`);
