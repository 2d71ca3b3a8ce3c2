// What amaro asks of node:buffer: the bytes of its WebAssembly module out of their base64.
export const Buffer = {
  from(text) {
    return Uint8Array.fromBase64(text);
  },
};
