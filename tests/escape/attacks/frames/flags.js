// layer: frames
// attack: a frame with flags of a later version
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
const f = frame(3, 1, bytes("\x01x"));
f[6] = 1;
send(f);
export default escaped('it was not ended');
