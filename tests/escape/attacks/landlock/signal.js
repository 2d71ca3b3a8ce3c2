// layer: landlock
// attack: signals a process outside
// success: the kernel lets it
// reference: landlock(7)
// denied: kill
// control: succeeds
// abi: 6
export default judge(sys.kill(target.pid, 0));
