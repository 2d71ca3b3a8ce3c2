// layer: frames
// attack: frames that only the supervisor may send: a job, credit, a reply
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
send(frame(4, 1, buffer(4)));
export default escaped('it was not ended');
