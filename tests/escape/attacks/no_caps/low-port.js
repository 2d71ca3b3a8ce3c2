// layer: no_caps
// attack: listens at port 81
// success: the kernel lets it
// reference: CAP_NET_BIND_SERVICE
// denied: socket
// control: succeeds
export default judge((() => { const at = ipv4(81); return sys.bind(sys.socket(2, 1, 0), at, 16); })());
