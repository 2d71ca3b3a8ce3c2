// layer: seccomp
// attack: in a cell of the profile that makes no machine code: makes memory executable by mprotect
// success: the call reaches the kernel
// reference: sandbox/jail/syscalls.h, CODE
// denied: mprotect
// limits: --profile jitless
// control: succeeds
const page = sys.mmap(0, 4096, 3, 0x22, -1, 0);
export default escaped(`the kernel answered ${sys.mprotect(page, 4096, 5)}`);
