// layer: rlimits
// attack: asks for a core dump, which would be written outside
// success: the limit on cores grows
// with: no_caps
// control: none: the limit of whoever runs the test may be 0
export default judge(sys.prlimit64(0, 4, u64(4096, 4096), 0));
