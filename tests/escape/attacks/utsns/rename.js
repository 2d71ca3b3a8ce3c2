// layer: utsns
// attack: gives the machine another name
// success: the host has it
// reference: sethostname(2)
// denied: sethostname
// control: succeeds
const answer = sys.sethostname('renamed', 7);
const fd = sys.open(`/proc/${target.pid}/root/proc/sys/kernel/hostname`, 0);
export default answer >= 0 && target.hostname === 'changed below' ? escaped('') : held(`the call answered ${answer}; the test looks at its own name`);
