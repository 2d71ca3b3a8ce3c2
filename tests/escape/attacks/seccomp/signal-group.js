// layer: seccomp
// attack: signals everybody there is
// success: the call reaches the kernel
// denied: kill
// control: succeeds
const answer = sys.kill(-target.pid, 0);
export default escaped(`the kernel answered ${answer}`);
