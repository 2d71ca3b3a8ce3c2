// layer: no_caps
// attack: takes a priority above all
// success: the kernel lets it
// reference: CAP_SYS_NICE
// root: yes
// denied: setpriority
// control: succeeds
export default judge(sys.setpriority(0, 0, -10));
