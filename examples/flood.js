// An output flood: cut at the output budget. The result keeps what fitted, and how much there was.
//
//   isolane run examples/flood.js --output-kb 16

for (let line = 1; ; line++)
    console.log(`line ${line}: the quick brown fox jumps over the lazy dog`);
