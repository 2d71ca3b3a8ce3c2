// layer: rlimits
// attack: raises its own limits again, by the call that is allowed on itself
// success: a limit grows
// reference: prlimit(2)
// with: no_caps
// control: succeeds
export default judge(sys.prlimit64(0, 7, u64(100, 100), 0));
