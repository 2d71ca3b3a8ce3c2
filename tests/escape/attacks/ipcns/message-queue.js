// layer: ipcns
// attack: looks at a message queue of the host
// success: it is there
// reference: ipc_namespaces(7)
// denied: msgctl
// control: succeeds
export default judge(sys.msgctl(target.msg, 2, buffer(256)));
