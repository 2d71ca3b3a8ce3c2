// layer: userns
// attack: with every capability inside its user namespace, raises a hard limit
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// control: succeeds
// needs: raises_limits
export default judge((() => { const now = new BigUint64Array(2); sys.prlimit64(0, 7, 0, now); return sys.prlimit64(0, 7, u64(now[1], now[1] + 1n), 0); })());
