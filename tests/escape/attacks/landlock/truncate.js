// layer: landlock
// attack: cuts a file off
// success: the kernel lets it
// reference: landlock(7)
// denied: truncate
// control: succeeds
// abi: 3
export default judge(sys.truncate(target.open, 1000));
