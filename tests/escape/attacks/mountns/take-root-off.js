// layer: mountns
// attack: with the capability for it, takes mounts away to see what lies under them
// success: a file of the host opens
// reference: pivot_root(2)
// denied: umount2
// control: none: it would take the test's own ground away
sys.umount2('/', 2);
sys.umount2('/proc', 2);
sys.chdir('/');
export default judge(sys.open(target.open, 0));
