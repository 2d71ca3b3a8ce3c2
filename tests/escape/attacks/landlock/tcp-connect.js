// layer: landlock
// attack: connects to a TCP port
// success: the kernel lets it
// reference: Landlock ABI 4
// denied: socket
// control: succeeds
export default judge(sys.connect(sys.socket(2, 1, 0), ipv4(target.tcp), 16));
