// layer: rlimits
// attack: locks memory, that the machine cannot take back
// success: a page is locked
// with: no_caps
// denied: mlock
// control: succeeds
const b = buffer(65536);
export default judge(sys.mlock(b, 4096));
