// layer: frames
// attack: more output than it has credit for
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed output_exceeded
// alone-ends: crashed output_exceeded
// control: none: what is not a breach is no attack
const much = frame(3, 1, new Uint8Array(16384).fill(65));
much[16] = 1;
for (let i = 0; i < 40; i++) send(much);
export default escaped('it was not ended');
