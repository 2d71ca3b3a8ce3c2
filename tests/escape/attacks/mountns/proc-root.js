// layer: mountns
// attack: goes through the root of another process
// success: the kernel lets it
// reference: proc(5)
// denied: open
// control: succeeds
export default judge(sys.open(`/proc/${target.pid}/root${target.open}`, 0));
