// layer: userns
// attack: with every capability inside its user namespace, signals somebody else's process
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: kill
// control: succeeds
export default judge(sys.kill(target.stranger, 0));
