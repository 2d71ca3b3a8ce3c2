// Behaviour: job.input is the job's input
// Spec: docs/scripts.md, job
// Covers: job
// Job: {"input":{"n":[1,null]}}
// Expect: value [{"n":[1,null]},"undefined"]
export default [job.input, typeof job.input.missing];
