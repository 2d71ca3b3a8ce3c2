// Behaviour: a progress beyond 1 is a RangeError
// Spec: docs/scripts.md, job
// Covers: job
// Expect: error RangeError /./
job.progress(0.5, "half"); job.progress(1.5);
