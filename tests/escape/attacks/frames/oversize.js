// layer: frames
// attack: a frame that says it is four gigabytes long
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(3, 1, buffer(8), 0xffffffff));
export default escaped('it was not ended');
