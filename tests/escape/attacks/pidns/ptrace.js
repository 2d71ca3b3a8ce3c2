// layer: pidns
// attack: traces a process of the host
// success: there is such a process
// reference: pid_namespaces(7)
// denied: ptrace
// control: succeeds
export default judge(sys.ptrace(0x4206, target.pid, 0, 0));
