// Behaviour: console.dir takes depth
// Spec: Console Standard, dir
// Expect: stdout "{ a: [Object] }\n"
console.dir({ a: { b: 1 } }, { depth: 0 });
