// layer: frames
// attack: more output than it has credit for
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed output_exceeded
// alone-ends: crashed output_exceeded
// control: none: what is not a breach is no attack
const frame = (type, id, payload, len = payload.length) => { const f = buffer(16 + payload.length), v = new DataView(f.buffer); v.setUint32(0, len, true); v.setUint16(4, type, true); v.setBigUint64(8, BigInt(id), true); f.set(payload, 16); return f; };
const send = (f) => sys.write(0, f, f.length);
const much = frame(3, 1, new Uint8Array(16384).fill(65));
much[16] = 1;
for (let i = 0; i < 40; i++) send(much);
export default escaped('it was not ended');
