// layer: pidns
// attack: signals a process of the host
// success: there is such a process
// reference: pid_namespaces(7)
// denied: kill
// control: succeeds
export default judge(sys.kill(target.pid, 0));
