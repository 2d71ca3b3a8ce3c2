// layer: frames
// attack: as many host calls as it can, without waiting
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed cpu_exceeded wall_exceeded
// alone-ends: crashed cpu_exceeded wall_exceeded
// limits: --cpu-ms 300 --wall-ms 3000
// control: none: what is not a breach is no attack
const call = (n) => frame(5, n, new Uint8Array([1, 0, 0, 0, 120, 123, 125]));
for (let n = 1; ; n++) send(call(n));
export default escaped('it was not ended');
