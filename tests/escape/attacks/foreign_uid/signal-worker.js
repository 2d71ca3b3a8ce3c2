// layer: foreign_uid
// attack: signals a process of the worker's user
// success: the kernel lets it
// reference: credentials(7)
// root: yes
// denied: kill
// control: succeeds
export default judge(sys.kill(target.pid, 0));
