// layer: not_dumpable
// attack: attaches to the zygote, which is of its user where the worker is an ordinary one
// success: the kernel lets it
// reference: ptrace(2)
// with: no_caps
// denied: getppid
// control: succeeds
export default judge(sys.ptrace(0x4206, sys.getppid(), 0, 0));
