// Asynchronous code: top-level await, timers, microtasks. The job ends when its value is settled and
// nothing is pending, so the interval below has to be cleared.
//
//   isolane run examples/timers.js

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
const started = performance.now();

let ticks = 0;
const ticking = setInterval(() => ticks++, 10);
queueMicrotask(() => console.log('microtask: before any timer'));
setTimeout(() => console.log('timer: soon'), 0);

await Promise.all([sleep(40), sleep(80), sleep(60)]);
clearInterval(ticking);
console.log(`three sleeps side by side: ${ticks} ticks`);

export default async () => {
    await sleep(20);
    return { ticked: ticks > 0, waited_long_enough: performance.now() - started >= 98 };
};
