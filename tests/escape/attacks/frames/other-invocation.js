// layer: frames
// attack: output in the name of another job
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(3, 2, bytes("\x01forged\n")));
export default escaped('it was not ended');
