// layer: frames
// attack: as many host calls as it can, without waiting
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed cpu_exceeded wall_exceeded
// alone-ends: crashed cpu_exceeded wall_exceeded
// limits: --cpu-ms 300 --wall-ms 3000
// control: none: what is not a breach is no attack
const frame = (type, id, payload, len = payload.length) => { const f = buffer(16 + payload.length), v = new DataView(f.buffer); v.setUint32(0, len, true); v.setUint16(4, type, true); v.setBigUint64(8, BigInt(id), true); f.set(payload, 16); return f; };
const send = (f) => sys.write(0, f, f.length);
const call = (n) => frame(5, n, new Uint8Array([1, 0, 0, 0, 120, 123, 125]));
for (let n = 1; ; n++) send(call(n));
export default escaped('it was not ended');
