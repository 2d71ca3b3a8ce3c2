// A kernel that takes real CPU time: V8's optimising compiler works in a cell as everywhere.
//
//   isolane run examples/primes.js --input 5000000

export default function primes(below) {
    const limit = below ?? 2_000_000;
    const composite = new Uint8Array(limit);
    let count = 0, last = 0;
    for (let n = 2; n < limit; n++) {
        if (composite[n]) continue;
        count++;
        last = n;
        for (let m = n * n; m < limit; m += n) composite[m] = 1;
    }
    console.log(`${count} primes below ${limit}, the last is ${last}`);
    return count;
}
