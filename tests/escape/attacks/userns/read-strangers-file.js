// layer: userns
// attack: with every capability inside its user namespace, reads a file that only somebody else may
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: open
// control: succeeds
export default judge(sys.open(target.strangers, 0));
