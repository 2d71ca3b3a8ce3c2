// layer: no_caps
// attack: makes a device
// success: the kernel lets it
// reference: mknod(2)
// root: yes
// denied: mknod
// control: succeeds
export default judge(sys.mknod(`${target.folder}/device-${sys.getpid()}`, 0o20600, 0x103));
