// Behaviour: a buffer that is transferred is gone here
// Spec: HTML, StructuredSerializeWithTransfer
// Covers: structuredClone
// Expect: value [0,4,true]
const b = new ArrayBuffer(4); const c = structuredClone(b, { transfer: [b] });
export default [b.byteLength, c.byteLength, b.detached];
