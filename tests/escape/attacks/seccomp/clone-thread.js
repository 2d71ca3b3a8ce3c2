// layer: seccomp
// attack: makes a thread, that the watchdog does not count
// success: the call reaches the kernel
// reference: clone(2); flags that the kernel refuses, so that the control makes none
// denied: clone
// control: succeeds
const answer = sys.clone(0x10000, 0, 0, 0, 0);
export default escaped(`the kernel answered ${answer}`);
