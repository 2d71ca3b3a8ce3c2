// Behaviour: inspection goes two deep
// Spec: docs/scripts.md, console
// Expect: stdout "{ a: { b: { c: [Object] } } }\n"
console.log({ a: { b: { c: { d: 1 } } } });
