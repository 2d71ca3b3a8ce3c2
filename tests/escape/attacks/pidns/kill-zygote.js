// layer: pidns
// attack: kills the zygote, and with it all cells
// success: it dies
// reference: pid_namespaces(7)
// denied: getppid
// control: succeeds
const parent = sys.getppid();
const sent = parent === 1 && sys.kill(parent, 9) === 0; // the first process of a namespace takes no signal from inside
const alive = sys.kill(parent, 0) === 0;
export default sent && alive ? held('it lives') : escaped(parent === 1 ? 'it died' : 'it would take the signal, which is not sent here');
