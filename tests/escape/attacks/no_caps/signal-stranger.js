// layer: no_caps
// attack: signals somebody else's process
// success: the kernel lets it
// reference: CAP_KILL
// root: yes
// denied: kill
// control: succeeds
export default judge(sys.kill(target.stranger, 0));
