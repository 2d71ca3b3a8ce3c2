// layer: landlock
// attack: becomes a program of the host
// success: the program runs and leaves a file
// reference: landlock(7)
// denied: fork
// control: succeeds
export default execute(target.touch, `${target.evidence}/execute`);
