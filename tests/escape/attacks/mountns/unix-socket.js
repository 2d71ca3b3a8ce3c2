// layer: mountns
// attack: connects to a socket in the file system
// success: the kernel lets it
// reference: mount_namespaces(7)
// denied: socket
// control: succeeds
const unix_path = (p) => { const a = buffer(110); a[0] = 1; a.set(bytes(p), 2); return a; };
export default judge(sys.connect(sys.socket(1, 1, 0), unix_path(target.socket), 110));
