// layer: landlock
// attack: opens a file
// success: the kernel lets it
// reference: landlock(7)
// denied: open
// control: succeeds
export default judge(sys.open(target.open, 0));
