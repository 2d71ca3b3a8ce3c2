// layer: landlock
// attack: connects to an abstract socket of the host
// success: the kernel lets it
// reference: Landlock ABI 6
// denied: socket
// control: succeeds
export default judge(sys.connect(sys.socket(1, 1, 0), unix_name(target.abstract), 3 + target.abstract.length));
