// layer: no_caps
// attack: changes its root
// success: the kernel lets it
// reference: capabilities(7)
// denied: chroot
// control: succeeds
export default judge(sys.chroot(target.folder));
