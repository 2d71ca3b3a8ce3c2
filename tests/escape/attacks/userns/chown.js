// layer: userns
// attack: with every capability inside its user namespace, gives a file away
// success: the kernel lets it
// reference: user_namespaces(7)
// root: yes
// denied: chown
// control: succeeds
export default judge(sys.chown(target.touch, 4242, 4242));
