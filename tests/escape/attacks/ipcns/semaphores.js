// layer: ipcns
// attack: looks at semaphores of the host
// success: it is there
// reference: ipc_namespaces(7)
// denied: semctl
// control: succeeds
export default judge(sys.semctl(target.sem, 0, 12, 0));
