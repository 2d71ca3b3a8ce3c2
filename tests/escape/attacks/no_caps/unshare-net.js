// layer: no_caps
// attack: makes a network of its own
// success: the kernel lets it
// reference: capabilities(7)
// denied: unshare
// control: succeeds
export default judge(sys.unshare(0x40000000));
