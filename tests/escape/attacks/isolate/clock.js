// layer: isolate
// attack: looks for a clock finer than a millisecond: performance, Date, timers, events, Atomics.wait, animation of counters
// success: two readings that differ by less than a millisecond
// reference: Spectre, CVE-2017-5753
// control: node
const fine = [];
const readers = { performance: () => performance.now(), date: () => Date.now(), origin: () => performance.timeOrigin, temporal: () => Number(globalThis.Temporal?.Now.instant().epochNanoseconds ?? 0n) / 1e6 };
for (const [name, read] of Object.entries(readers)) {
    const values = new Set();
    for (let i = 0; i < 5000; i++) values.add(read());
    const list = [...values].filter(Number.isFinite).sort((a, b) => a - b);
    if (list.some((v, i) => i && v - list[i - 1] < 0.999 && v - list[i - 1] > 0)) fine.push(name);
}
export default fine.length ? escaped(fine) : held('whole milliseconds');
