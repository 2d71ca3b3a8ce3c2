// layer: landlock
// attack: connects to an abstract socket of the host
// success: the kernel lets it
// reference: landlock(7)
// denied: socket
// control: succeeds
// abi: 6
export default judge(sys.connect(sys.socket(1, 1, 0), unix_name(target.abstract), 3 + target.abstract.length));
