// layer: landlock
// attack: makes a user namespace inside, where it has every capability, and mounts in it
// success: the kernel lets it
// reference: CVE-2022-0185, CVE-2023-0386 start so
// with: no_caps no_new_privs
// denied: unshare
// control: succeeds
sys.unshare(0x10020000);
export default judge(sys.mount("none", target.mountpoint, "tmpfs", 0, 0));
