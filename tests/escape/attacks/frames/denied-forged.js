// layer: frames
// attack: says that a call with a number of its choice was denied
// success: anything else than an outcome `denied` of its own
// ends: denied crashed
// alone-ends: denied crashed
// control: none: it may say so
const frame = (type, id, payload, len = payload.length) => { const f = buffer(16 + payload.length), v = new DataView(f.buffer); v.setUint32(0, len, true); v.setUint16(4, type, true); v.setBigUint64(8, BigInt(id), true); f.set(payload, 16); return f; };
const send = (f) => sys.write(0, f, f.length);
send(frame(13, 1, new Uint8Array([255, 255, 255, 255])));
sys.exit_group(0);
export default escaped('');
