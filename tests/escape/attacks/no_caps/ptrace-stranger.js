// layer: no_caps
// attack: traces somebody else's process
// success: the kernel lets it
// reference: CAP_SYS_PTRACE
// root: yes
// denied: ptrace
// control: succeeds
export default judge(sys.ptrace(0x4206, target.stranger, 0, 0));
