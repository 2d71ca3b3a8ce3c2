// layer: seccomp
// attack: its own pid in the lower half of the argument, bits in the upper half that the kernel cuts off
// success: the call reaches the kernel
// reference: seccomp(2): arguments are 64 bits
// denied: tgkill
// control: succeeds
const answer = sys.tgkill(BigInt(sys.getpid()) | (1n << 32n), BigInt(sys.getpid()) | (1n << 32n), 0);
export default escaped(`the kernel answered ${answer}`);
