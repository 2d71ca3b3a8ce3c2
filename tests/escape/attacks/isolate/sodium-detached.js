// layer: isolate
// attack: gives libsodium detached buffers, views beyond shrunk buffers and lengths that lie
// success: bytes that are not the caller's show, or the cell dies
// control: none: needs a native function with the hole
const bad = [];
const views = () => {
    const detached = new Uint8Array(64); detached.buffer.transfer();
    const shrunk = new ArrayBuffer(64, { maxByteLength: 128 }); const tail = new Uint8Array(shrunk, 32); const fixed = new Uint8Array(shrunk, 32, 32); shrunk.resize(8);
    const liar = new (class extends Uint8Array { get length() { return 1 << 20; } get byteLength() { return 1 << 20; } get byteOffset() { return -64; } })(8);
    return [detached, tail, fixed, liar, new Uint8Array(0), new Uint8Array(new ArrayBuffer(8), 8)];
};
let calls = 0;
for (const name of Object.keys(sodium)) {
    if (typeof sodium[name] !== 'function') continue;
    if (/pwhash|scrypt|argon/i.test(name)) continue;
    for (const v of views()) for (const args of [[v], [v, v], [v, v, v], [32, v, v], [v, v, v, v], [v, 1, v]]) {
        calls++;
        try { const r = sodium[name](...args); if (r instanceof Uint8Array && r.length > 1 << 19) bad.push(name); } catch { /* refused */ }
    }
}
export default bad.length ? escaped(bad) : held(`${calls} calls`);
