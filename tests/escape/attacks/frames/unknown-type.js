// layer: frames
// attack: a frame of a type that there is not
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(99, 1, buffer(4)));
export default escaped('it was not ended');
