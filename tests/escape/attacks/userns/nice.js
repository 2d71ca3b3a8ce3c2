// layer: userns
// attack: with every capability inside its user namespace, takes a priority above all
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: setpriority
// control: succeeds
export default judge(sys.setpriority(0, 0, -10));
