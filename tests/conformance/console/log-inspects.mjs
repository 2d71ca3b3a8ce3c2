// Behaviour: console.log shows values as Node.js does
// Spec: docs/scripts.md, console
// Covers: console
// Expect: stdout "{ a: [ 1, 'x' ], m: Map(1) { 1 => null } } text -0\n"
console.log({ a: [1, 'x'], m: new Map([[1, null]]) }, 'text', -0);
