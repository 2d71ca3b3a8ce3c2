// layer: no_caps
// attack: gives a file away
// success: the kernel lets it
// reference: capabilities(7)
// root: yes
// denied: chown
// control: succeeds
export default judge(sys.chown(target.touch, 4242, 4242));
