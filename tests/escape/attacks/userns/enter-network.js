// layer: userns
// attack: with every capability inside its user namespace, enters the network namespace of a process outside
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: open
// control: succeeds
export default judge(sys.setns(sys.open(`/proc/${target.runner}/ns/net`, 0), 0));
