// layer: foreign_uid
// attack: reads a file that only the worker's user may (its key)
// success: the kernel lets it
// reference: credentials(7)
// root: yes
// denied: open
// control: succeeds
export default judge(sys.open(target.secret, 0));
