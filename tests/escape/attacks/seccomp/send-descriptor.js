// layer: seccomp
// attack: sends the supervisor a descriptor it did not ask for
// success: the call reaches the kernel
// reference: unix(7), SCM_RIGHTS
// denied: sendmsg
// control: succeeds
const control = new Uint8Array([20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const answer = sys.sendmsg(0, u64(0, 0, 0, 0, __native.address(control), 20, 0), 0x40);
export default escaped(`the kernel answered ${answer}`);
