// layer: netns
// attack: connects to a server of the host
// success: the kernel lets it
// reference: network_namespaces(7)
// denied: socket
// control: succeeds
export default judge(sys.connect(sys.socket(2, 1, 0), ipv4(target.tcp), 16));
