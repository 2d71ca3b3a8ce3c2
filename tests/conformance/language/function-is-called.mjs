// Behaviour: a default export that is a function is called with input and job
// Spec: docs/scripts.md, the job's value
// Covers: job
// Job: {"input":{"n":5}}
// Expect: value [5,true]
export default (input, given) => [input.n, given === job];
