// layer: no_caps
// attack: gives its capabilities back to itself
// success: the kernel lets it
// reference: capset(2)
// denied: capset
// control: succeeds
export default judge(sys.capset(u64(0x20080522), new Uint32Array([1 << 21, 1 << 21, 0, 0, 0, 0])));
