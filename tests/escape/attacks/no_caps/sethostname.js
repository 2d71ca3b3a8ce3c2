// layer: no_caps
// attack: gives the machine another name
// success: the kernel lets it
// reference: capabilities(7)
// with: utsns
// denied: sethostname
// control: succeeds
export default judge(sys.sethostname("escape-ground", 13));
