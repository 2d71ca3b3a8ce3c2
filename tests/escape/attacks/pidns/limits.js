// layer: pidns
// attack: changes limits of a process of the host
// success: there is such a process
// reference: pid_namespaces(7)
// denied: prlimit64
// control: succeeds
export default judge(sys.prlimit64(target.pid, 7, 0, buffer(16)));
