// layer: mountns
// attack: opens the memory of the machine
// success: the kernel lets it
// reference: mount_namespaces(7)
// denied: open
// control: succeeds
export default judge(sys.open("/dev/zero", 0));
