// Behaviour: Uint8Array has base64 and hex
// Spec: ECMAScript, Uint8Array.fromBase64
// Expect: value ["AQID",[1,2,3],"ff00"]
export default [new Uint8Array([1, 2, 3]).toBase64(), [...Uint8Array.fromBase64('AQID')], new Uint8Array([255, 0]).toHex()];
