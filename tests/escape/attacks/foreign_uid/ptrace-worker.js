// layer: foreign_uid
// attack: traces a process of the worker's user
// success: the kernel lets it
// reference: credentials(7)
// root: yes
// denied: ptrace
// control: succeeds
export default judge(sys.ptrace(0x4206, target.pid, 0, 0));
