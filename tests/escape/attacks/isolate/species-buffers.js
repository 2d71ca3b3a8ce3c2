// layer: isolate
// attack: classes that lie about species and length are given to built-ins that copy bytes
// success: a copy is longer than what was given, or holds other bytes
// control: none: needs a built-in with the hole
class Liar extends Uint8Array { static get [Symbol.species]() { return function () { return new Uint8Array(1 << 16).fill(0xee); }; } get length() { return 1 << 16; } }
const given = new Liar(4);
const results = [new TextDecoder().decode(given), btoa(String.fromCharCode(...Array.prototype.slice.call(given, 0, 2))), structuredClone(given), sodium.toHex?.(given) ?? '', sodium.bin2hex?.(given) ?? ''];
const bad = results.filter((r) => (r.byteLength ?? r.length) > 16);
export default bad.length ? escaped(`${bad.length}`) : held('true lengths count');
