// layer: isolate
// attack: options of TextDecoder and targets of encodeInto that shrink or detach the bytes while they are read
// success: bytes from beyond the buffer show, or the cell dies
// control: none: needs a native function with the hole
const bad = [];
for (let n = 0; n < 200; n++) {
    const b = new ArrayBuffer(65536, { maxByteLength: 1 << 20 }), v = new Uint8Array(b).fill(65);
    let s = '';
    try { s = new TextDecoder().decode(v, { get stream() { b.resize(16); return false; } }); } catch { /* refused */ }
    if (/[^A]/.test(s)) bad.push('decode');
    const c = new ArrayBuffer(1024, { maxByteLength: 4096 });
    try { new TextEncoder().encodeInto({ toString() { c.resize(1); return 'x'.repeat(2000); } }, new Uint8Array(c)); } catch { /* refused */ }
    const d = new ArrayBuffer(4096, { maxByteLength: 8192 });
    try { crypto.getRandomValues(new Uint8Array(d, 2048)); d.resize(1024); crypto.getRandomValues(new Uint8Array(d)); } catch { /* refused */ }
}
export default bad.length ? escaped(bad) : held('nothing shows');
