// A loop without end. The CPU budget stops it, and the result says how far it came.
//
//   isolane run examples/loop.js --cpu-ms 200

console.log('this loop has no end');
for (let n = 0; ; n++) {
    if (n % 1e9 === 0)
        console.log(`still here: ${n}`);
}
