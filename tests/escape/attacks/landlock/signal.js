// layer: landlock
// attack: signals a process outside
// success: the kernel lets it
// reference: Landlock ABI 6
// denied: kill
// control: succeeds
export default judge(sys.kill(target.pid, 0));
