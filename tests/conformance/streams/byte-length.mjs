// Behaviour: ByteLengthQueuingStrategy counts bytes
// Spec: Streams, queuing strategies
// Covers: ByteLengthQueuingStrategy
// Expect: value [100,7]
const q = new ByteLengthQueuingStrategy({ highWaterMark: 100 });
export default [q.highWaterMark, q.size(new Uint8Array(7))];
