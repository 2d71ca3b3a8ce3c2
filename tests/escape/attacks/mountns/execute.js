// layer: mountns
// attack: becomes a program of the host
// success: the program runs and leaves a file
// denied: fork
// control: succeeds
export default execute(target.touch, `${target.evidence}/execute`);
