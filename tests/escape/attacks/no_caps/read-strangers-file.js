// layer: no_caps
// attack: reads a file that only somebody else may
// success: the kernel lets it
// reference: CAP_DAC_OVERRIDE
// root: yes
// denied: open
// control: succeeds
export default judge(sys.open(target.strangers, 0));
