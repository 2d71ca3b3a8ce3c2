// layer: seccomp
// attack: a number beyond all there are, a negative one, and one whose upper half the kernel cuts off
// success: the call reaches the kernel, or an allowed one is made by a number that is not its own
// ends: denied crashed
// control: succeeds
const odd = [100000, -1, 0x3fffffff];
export default escaped(`the kernel answered ${odd.map((n) => __native.syscall(n))}`);
