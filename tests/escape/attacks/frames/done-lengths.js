// layer: frames
// attack: a result whose lengths do not add up
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
const done = buffer(64);
done[0] = 1;
new DataView(done.buffer).setUint32(12, 0xfffffff0, true);
send(frame(12, 1, done));
export default escaped('it was not ended');
