// layer: mountns
// attack: makes a folder in its own root
// success: the kernel lets it
// reference: mount_namespaces(7)
// denied: mkdir
// control: none: the test's own ground is read-only
export default judge(sys.mkdir("/isolane-escape-made", 0o700));
