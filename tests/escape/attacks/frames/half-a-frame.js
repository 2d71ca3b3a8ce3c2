// layer: frames
// attack: half a frame, and its end
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(3, 1, bytes("\x01half")).subarray(0, 18));
sys.exit_group(0);
export default escaped('it was not ended');
