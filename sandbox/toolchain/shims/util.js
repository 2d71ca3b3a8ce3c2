// What amaro asks of Node's util: this context's own.
export const { TextDecoder, TextEncoder } = globalThis;
