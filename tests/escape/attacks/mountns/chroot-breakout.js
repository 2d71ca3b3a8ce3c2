// layer: mountns
// attack: with the capability for it, leaves its root: a folder, chroot into it, and up
// success: a file of the host opens
// reference: chroot(2)
// denied: mkdir
// control: succeeds
sys.mkdir('/x', 0o700);
sys.chroot('/x');
for (let i = 0; i < 64; i++) sys.chdir('..');
sys.chroot('.');
export default judge(sys.open(target.open, 0));
