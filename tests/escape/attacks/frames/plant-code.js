// layer: frames
// attack: hands over code as if it had been asked to compile, to be run by later jobs with that source
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(14, 1, bytes('forged code')));
export default escaped('it was not ended');
