// layer: frames
// attack: a forged result with a value that is its own to choose, then its true one, then output
// success: the second counts, or the worker dies
// ends: ok crashed
// alone-ends: ok crashed
// control: none: what a job says of itself is its own to say
const value = bytes('{"forged": true, "escaped": false}'), done = buffer(64 + value.length);
done[0] = 1;
new DataView(done.buffer).setUint32(12, value.length, true);
done.set(value, 64);
send(frame(12, 1, done));
send(frame(3, 1, bytes('\x01after the end\n')));
console.log('after the end');
export default escaped('the second counts');
