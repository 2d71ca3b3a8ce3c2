// Behaviour: job tells who it is, and cannot be changed
// Spec: docs/scripts.md, job
// Covers: job
// Job: {"env":{"A":"b"}}
// Expect: value ["default",1,true,{"A":"b"},{}]
export default [job.tenant, job.attempt, Object.isFrozen(job), job.env, job.parents];
