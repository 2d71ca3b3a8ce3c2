// layer: pidns
// attack: kills the zygote, and with it all cells
// success: it dies
// reference: pid_namespaces(7)
// denied: getppid
// control: succeeds
const parent = sys.getppid();
const answer = parent === 1 ? sys.kill(parent, 9) : 0;
const alive = sys.kill(parent, 0) >= 0;
export default parent === 1 && alive && answer >= 0 ? held('the first process of a namespace takes no signal from inside') : escaped('it could');
