// layer: frames
// attack: a forged result with a value that is its own to choose, then its true one, then output
// success: the second counts, or the worker dies
// ends: ok crashed
// alone-ends: ok crashed
// control: none: what a job says of itself is its own to say
const frame = (type, id, payload, len = payload.length) => { const f = buffer(16 + payload.length), v = new DataView(f.buffer); v.setUint32(0, len, true); v.setUint16(4, type, true); v.setBigUint64(8, BigInt(id), true); f.set(payload, 16); return f; };
const send = (f) => sys.write(0, f, f.length);
const value = bytes('{"forged": true, "escaped": false}'), done = buffer(64 + value.length);
done[0] = 1;
new DataView(done.buffer).setUint32(12, value.length, true);
done.set(value, 64);
send(frame(12, 1, done));
send(frame(3, 1, bytes('\x01after the end\n')));
console.log('after the end');
export default escaped('the second counts');
