// layer: frames
// attack: output for a stream that is neither stdout nor stderr
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(3, 1, bytes("\x07forged\n")));
export default escaped('it was not ended');
