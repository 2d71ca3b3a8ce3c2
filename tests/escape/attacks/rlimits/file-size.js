// layer: rlimits
// attack: writes a file
// success: a byte is written
// reference: getrlimit(2), RLIMIT_FSIZE: SIGXFSZ
// with: no_caps
// denied: open
// alone-ends: crashed
// control: succeeds
const fd = sys.open(`${target.folder}/written`, 0o102, 0o600);
export default judge(sys.write(fd, bytes("x"), 1));
