// layer: frames
// attack: a result with an end that there is not
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
const done = buffer(64);
done[0] = 200;
send(frame(12, 1, done));
export default escaped('it was not ended');
