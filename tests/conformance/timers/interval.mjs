// Behaviour: an interval comes again until it is cleared, also from inside
// Spec: HTML, timers
// Covers: setInterval, clearInterval
// Expect: value 3
let n = 0;
export default await new Promise((done) => { const id = setInterval(() => { if (++n === 3) { clearInterval(id); setTimeout(done, 10, n); } }, 1); }).then(() => n);
