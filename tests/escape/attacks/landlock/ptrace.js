// layer: landlock
// attack: traces a process outside
// success: the kernel lets it
// reference: landlock(7)
// denied: ptrace
// control: succeeds
export default judge(sys.ptrace(0x4206, target.pid, 0, 0));
