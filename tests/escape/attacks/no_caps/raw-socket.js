// layer: no_caps
// attack: makes a raw socket, to forge packets
// success: the kernel lets it
// reference: CAP_NET_RAW
// denied: socket
// control: succeeds
export default judge(sys.socket(2, 3, 1));
