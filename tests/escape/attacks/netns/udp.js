// layer: netns
// attack: sends a datagram to a server of the host
// success: the kernel lets it
// reference: network_namespaces(7)
// denied: socket
// control: succeeds
export default judge(sys.sendto(sys.socket(2, 2, 0), bytes("x"), 1, 0, ipv4(target.udp), 16));
