// Behaviour: a name is put once in a run
// Spec: docs/scripts.md, Artifacts
// Covers: job
// Job: {"permissions":{"artifacts":true}}
// Expect: error Conflict /./
await job.artifacts.put('a', '1'); await job.artifacts.put('a', '2');
