// Behaviour: performance.now counts from the job's beginning and never goes back
// Spec: High Resolution Time
// Covers: performance, Performance
// Expect: value [true,true,true]
const a = performance.now(), b = performance.now();
export default [a >= 0 && a < 5000, b >= a, Math.abs(performance.timeOrigin + a - Date.now()) < 2000 && performance instanceof Performance];
