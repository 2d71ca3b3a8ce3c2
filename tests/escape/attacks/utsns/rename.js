// layer: utsns
// attack: gives the machine another name
// success: the host has it
// reference: sethostname(2)
// denied: sethostname
// control: succeeds
// apart: yes
// Whether the host has it, the test sees: it looks at its own name.
export default held(`the call answered ${sys.sethostname('renamed', 7)}`);
