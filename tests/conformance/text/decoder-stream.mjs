// Behaviour: a decoder keeps the beginning of a character
// Spec: Encoding, TextDecoder
// Covers: TextDecoder
// Expect: value ["","ä"]
const d = new TextDecoder();
export default [d.decode(new Uint8Array([0xc3]), { stream: true }), d.decode(new Uint8Array([0xa4]))];
