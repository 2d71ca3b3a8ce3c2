// layer: seccomp
// attack: makes memory that it shares with other processes of its user
// success: the call reaches the kernel
// reference: shmget(2)
// denied: shmget
// control: succeeds
const answer = sys.shmget(0x15014f, 4096, 0o600 | 0o1000);
export default escaped(`the kernel answered ${answer}`);
