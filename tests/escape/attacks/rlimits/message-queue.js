// layer: rlimits
// attack: makes a queue of the kernel's memory
// success: it is made
// reference: mq_overview(7)
// with: no_caps ipcns
// denied: mq_open
// control: succeeds
export default judge(sys.mq_open("isolane-made", 0o102, 0o600, 0));
