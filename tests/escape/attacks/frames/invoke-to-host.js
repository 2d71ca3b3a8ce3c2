// layer: frames
// attack: a job for the supervisor
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(2, 7, buffer(100)));
export default escaped('it was not ended');
