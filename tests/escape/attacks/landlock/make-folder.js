// layer: landlock
// attack: makes a folder
// success: the kernel lets it
// reference: landlock(7)
// denied: mkdir
// control: succeeds
export default judge(sys.mkdir(`${target.evidence}/landlock-make-folder`, 0o700));
