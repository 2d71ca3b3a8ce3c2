// Behaviour: clocks go in steps of clock_us
// Spec: docs/protocol.md, Job, permissions
// Covers: performance
// Job: {"permissions":{"clock_us":50000}}
// Expect: value [true,true]
const steps = new Set(); const end = Date.now() + 250; while (Date.now() < end) steps.add(performance.now()); const l = [...steps].sort((a, b) => a - b); export default [l.length <= 9, l.slice(1).every((t, i) => t - l[i] > 20)];
