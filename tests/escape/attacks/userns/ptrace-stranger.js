// layer: userns
// attack: with every capability inside its user namespace, traces somebody else's process
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: ptrace
// control: succeeds
export default judge(sys.ptrace(0x4206, target.stranger, 0, 0));
