// layer: seccomp
// attack: uses an allowed number with the bit of the x32 interface
// success: the call is made
// reference: seccomp(2): x32
// ends: denied crashed
// control: succeeds
export default escaped(`the kernel answered ${__native.syscall(0x40000000 | nr.getpid)}`);
