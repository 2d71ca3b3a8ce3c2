// layer: frames
// attack: says again that it is ready, to be given a second job
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(1, 0, buffer(0)));
export default escaped('it was not ended');
