// Behaviour: TextEncoder gives UTF-8, a lone surrogate U+FFFD
// Spec: Encoding, TextEncoder
// Covers: TextEncoder
// Expect: value [[195,164],[239,191,189],{"read":1,"written":2}]
const e = new TextEncoder();
export default [[...e.encode('ä')], [...e.encode('\ud800')], e.encodeInto('ää', new Uint8Array(3))];
