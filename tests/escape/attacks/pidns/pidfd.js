// layer: pidns
// attack: takes a descriptor of a process of the host
// success: there is such a process
// reference: pid_namespaces(7)
// denied: pidfd_open
// control: succeeds
export default judge(sys.pidfd_open(target.pid, 0));
