// layer: landlock
// attack: connects to a TCP port
// success: the kernel lets it
// reference: landlock(7)
// denied: socket
// control: succeeds
// abi: 4
export default judge(sys.connect(sys.socket(2, 1, 0), ipv4(target.tcp), 16));
