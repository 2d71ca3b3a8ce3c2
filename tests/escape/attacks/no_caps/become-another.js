// layer: no_caps
// attack: becomes another user
// success: the kernel lets it
// reference: capabilities(7)
// root: yes
// denied: setresuid
// control: succeeds
export default judge(sys.setresuid(4242, 4242, 4242));
