// layer: frames
// attack: data of a stream that was never opened
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(9, 5, buffer(10)));
export default escaped('it was not ended');
