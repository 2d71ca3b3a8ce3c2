// Behaviour: a fatal decoder throws
// Spec: Encoding, TextDecoder
// Covers: TextDecoder
// Expect: error TypeError /./
new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff]));
