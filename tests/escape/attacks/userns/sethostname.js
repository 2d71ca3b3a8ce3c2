// layer: userns
// attack: with every capability inside its user namespace, gives the machine another name
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: sethostname
// control: succeeds
export default judge(sys.sethostname("escape-ground", 13));
