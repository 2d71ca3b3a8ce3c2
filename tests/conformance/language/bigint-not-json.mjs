// Behaviour: a BigInt is no JSON value
// Spec: docs/scripts.md, the job's value
// Expect: error TypeError /cannot be written as JSON/
export default { n: 2n ** 64n };
