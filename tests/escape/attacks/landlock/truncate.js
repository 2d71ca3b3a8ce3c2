// layer: landlock
// attack: cuts a file off
// success: the kernel lets it
// reference: landlock(7)
// denied: truncate
// control: succeeds
export default judge(sys.truncate(target.open, 1000));
