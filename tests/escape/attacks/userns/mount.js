// layer: userns
// attack: with every capability inside its user namespace, mounts a file system
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: mount
// control: succeeds
export default judge(sys.mount("none", target.mountpoint, "tmpfs", 0, 0));
