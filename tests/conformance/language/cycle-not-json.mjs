// Behaviour: a cycle is no JSON value
// Spec: docs/scripts.md, the job's value
// Expect: error TypeError /cannot be written as JSON/
const a = {}; a.self = a; export default a;
