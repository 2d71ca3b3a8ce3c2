// A memory hog: fills the JavaScript heap until the heap budget stops it. Nobody else notices: the heap
// is that of its own process, which is gone afterwards.
//
//   isolane run examples/hog.js --heap-mb 32

const hoard = [];
for (let mb = 1; ; mb++) {
    hoard.push(Array.from({ length: 131072 }, (_, i) => i + mb / 2));
    if (mb % 8 === 0)
        console.log(`${mb} MB of numbers so far`);
}
