// layer: isolate
// attack: arguments that run code when they are converted (valueOf, toString, Symbol.toPrimitive) shrink and detach the buffers given before them
// success: one of them is run while a native function holds an address, or the cell dies
// reference: CVE-2016-4622 (the pattern)
// control: none: needs a native function with the hole
let ran = 0;
const hostile = (b) => { const run = () => { ran++; try { b.resize(0); } catch { /* not resizable */ } return 16; }; return { valueOf: run, toString: run, [Symbol.toPrimitive]: run }; };
for (const name of Object.keys(sodium)) {
    if (typeof sodium[name] !== 'function' || /pwhash|scrypt|argon/i.test(name)) continue;
    const b = new ArrayBuffer(64, { maxByteLength: 4096 }), v = new Uint8Array(b);
    for (const args of [[v, hostile(b)], [hostile(b), v], [v, hostile(b), v], [v, v, hostile(b)], [v, v, v, hostile(b)]])
        try { sodium[name](...args); } catch { /* refused */ }
}
export default ran ? escaped(`${ran} conversions ran`) : held('nothing is converted');
