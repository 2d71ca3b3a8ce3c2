// Behaviour: TextDecoder knows the labels of the standard
// Spec: Encoding, labels
// Covers: TextDecoder
// Expect: value ["windows-1252","€","shift_jis","あ"]
const w = new TextDecoder('latin1'), s = new TextDecoder('sjis');
export default [w.encoding, w.decode(new Uint8Array([0x80])), s.encoding, s.decode(new Uint8Array([0x82, 0xa0]))];
