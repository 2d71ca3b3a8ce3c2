// Behaviour: without an input, job.input is null, and so is what the default export gets
// Spec: docs/scripts.md, job
// Expect: value [true,true]
export default (input = 'default') => [input === null, job.input === null];
