// layer: landlock
// attack: mounts a file system
// success: the kernel lets it
// reference: landlock(7)
// denied: mount
// control: succeeds
export default judge(sys.mount("none", target.mountpoint, "tmpfs", 0, 0));
