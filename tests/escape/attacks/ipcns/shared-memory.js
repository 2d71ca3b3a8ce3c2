// layer: ipcns
// attack: reads memory that processes of the host share
// success: it is there
// reference: ipc_namespaces(7)
// denied: shmat
// control: succeeds
export default judge(sys.shmat(target.shm, 0, 0o10000));
