// layer: userns
// attack: with every capability inside its user namespace, makes a device
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: mknod
// control: succeeds
export default judge(sys.mknod(`${target.folder}/device-${sys.getpid()}`, 0o20600, 0x103));
