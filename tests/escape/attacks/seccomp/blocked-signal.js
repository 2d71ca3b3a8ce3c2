// layer: seccomp
// attack: blocks SIGSYS, so that the handler of a denied call is not run
// success: the call is made, or the script goes on
// reference: seccomp(2), SECCOMP_RET_TRAP: a blocked signal kills
// ends: denied crashed
// control: succeeds
sys.rt_sigprocmask(0, u64(0xffffffffffffffffn), 0, 8);
export default escaped(`the kernel answered ${sys.open(target.open, 0)}`);
