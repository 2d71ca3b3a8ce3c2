// layer: foreign_uid
// attack: writes where only the worker's user may
// success: the kernel lets it
// reference: credentials(7)
// root: yes
// denied: mkdir
// control: succeeds
export default judge(sys.mkdir(`${target.roots}/write-workers-folder`, 0o700));
