// layer: mountns
// attack: opens a file of the host
// success: the kernel lets it
// reference: mount_namespaces(7)
// denied: open
// control: succeeds
export default judge(sys.open(target.open, 0));
