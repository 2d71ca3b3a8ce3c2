// layer: mountns
// attack: writes a file
// success: the kernel lets it
// reference: mount_namespaces(7)
// denied: mkdir
// control: succeeds
export default judge(sys.mkdir(`${target.evidence}/mountns-write`, 0o700));
