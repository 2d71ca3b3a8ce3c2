// Behaviour: a data: URL of JSON is imported
// Spec: docs/scripts.md, Modules
// Expect: value {"a":1}
import d from 'data:application/json,%7B%22a%22%3A1%7D' with { type: 'json' };
export default d;
