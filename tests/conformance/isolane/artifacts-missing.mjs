// Behaviour: an artifact that the job does not name is not found
// Spec: docs/scripts.md, Artifacts
// Covers: job
// Expect: error NotFound /./
await job.artifacts.get('none');
