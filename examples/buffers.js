// Memory outside the JavaScript heap: array buffers count against memory_mb.
//
//   isolane run examples/buffers.js --memory-mb 64

const hoard = [];
for (let mb = 8; ; mb += 8) {
    hoard.push(new Uint8Array(8 * 1024 * 1024).fill(mb));
    console.log(`${mb} MB of buffers so far`);
}
