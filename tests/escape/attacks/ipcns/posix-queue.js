// layer: ipcns
// attack: opens a POSIX queue of the host
// success: it is there
// reference: ipc_namespaces(7)
// denied: mq_open
// control: succeeds
export default judge(sys.mq_open("isolane-canary", 0, 0, 0));
