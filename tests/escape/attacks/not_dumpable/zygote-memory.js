// layer: not_dumpable
// attack: opens the memory of the zygote
// success: the kernel lets it
// reference: proc(5)
// with: no_caps
// denied: getppid
// control: succeeds
export default judge(sys.open(`/proc/${sys.getppid()}/mem`, 2));
