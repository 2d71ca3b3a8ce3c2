// layer: landlock
// attack: listens at a TCP port
// success: the kernel lets it
// reference: Landlock ABI 4
// denied: socket
// control: succeeds
export default judge(sys.bind(sys.socket(2, 1, 0), ipv4(0), 16));
