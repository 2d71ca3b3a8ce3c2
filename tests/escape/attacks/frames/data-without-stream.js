// layer: frames
// attack: data of a stream that was never opened
// success: the job ends otherwise, another job is touched, or the worker dies
// ends: crashed
// alone-ends: crashed
// control: none: what is not a breach is no attack
const frame = (type, id, payload, len = payload.length) => { const f = buffer(16 + payload.length), v = new DataView(f.buffer); v.setUint32(0, len, true); v.setUint16(4, type, true); v.setBigUint64(8, BigInt(id), true); f.set(payload, 16); return f; };
const send = (f) => sys.write(0, f, f.length);
send(frame(9, 5, buffer(10)));
export default escaped('it was not ended');
