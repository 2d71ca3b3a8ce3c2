// layer: foreign_uid
// attack: opens the memory of a process of the worker's user
// success: the kernel lets it
// reference: credentials(7)
// root: yes
// denied: open
// control: succeeds
export default judge(sys.open(`/proc/${target.pid}/mem`, 0));
