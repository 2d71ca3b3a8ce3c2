// layer: pidns
// attack: looks at the priority of a process of the host
// success: there is such a process
// reference: pid_namespaces(7)
// denied: getpriority
// control: succeeds
export default judge(sys.getpriority(0, target.pid));
