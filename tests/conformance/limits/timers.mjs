// Behaviour: at most 20000 timers may be pending
// Spec: docs/scripts.md, Timers
// Covers: setTimeout
// Expect: error RangeError /20000/
for (let i = 0; i <= 20000; i++) setTimeout(() => {}, 1e6);
