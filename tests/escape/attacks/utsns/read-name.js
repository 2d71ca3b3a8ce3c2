// layer: utsns
// attack: reads the name of the machine
// success: it is the host's
// reference: uname(2)
// denied: uname
// control: succeeds
const names = buffer(390);
sys.uname(names);
const name = text(names.subarray(65, 130)).replace(/\0.*/, '');
export default name === target.hostname ? escaped(name) : held(name);
