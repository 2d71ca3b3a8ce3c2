// Behaviour: a Blob is sliced and read
// Spec: File API, Blob
// Covers: Blob
// Expect: value [6,"cd","text/x",[97]]
const b = new Blob(['ab', new Uint8Array([99, 100]), new Blob(['ef'])], { type: 'Text/X' });
export default [b.size, await b.slice(2, -2).text(), b.type, [...await b.slice(0, 1).bytes()]];
