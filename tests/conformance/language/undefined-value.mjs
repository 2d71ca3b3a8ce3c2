// Behaviour: undefined is no value
// Spec: docs/scripts.md, the job's value
// Expect: value none
export default undefined;
