// layer: mountns
// attack: opens a file of the host by openat2
// success: the kernel lets it
// reference: mount_namespaces(7)
// denied: openat2
// control: succeeds
export default judge(sys.openat2(-100, target.open, u64(0, 0, 0), 24));
