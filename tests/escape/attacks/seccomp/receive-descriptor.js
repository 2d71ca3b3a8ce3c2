// layer: seccomp
// attack: waits at its own socket for descriptors that the supervisor did not mean to send
// success: the call reaches the kernel
// reference: unix(7), SCM_RIGHTS
// denied: recvmsg
// control: succeeds
const space = buffer(64), message = u64(0, 0, 0, 0, __native.address(space), 64, 0);
const answer = sys.recvmsg(0, message, 0x40);
export default escaped(`the kernel answered ${answer}`);
