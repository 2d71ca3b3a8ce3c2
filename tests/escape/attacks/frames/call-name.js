// layer: frames
// attack: a host call whose name is a path
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(5, 1, new Uint8Array([4, 0, 0, 0, 46, 46, 47, 120])));
export default escaped('it was not ended');
