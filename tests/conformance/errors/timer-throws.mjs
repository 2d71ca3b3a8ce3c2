// Behaviour: a throw in a timer ends the job
// Spec: docs/scripts.md, first lines
// Expect: error Error /^in a timer$/
setTimeout(() => { throw new Error('in a timer'); }, 1);
await new Promise(() => {});
