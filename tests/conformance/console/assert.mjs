// Behaviour: console.assert prints only when it fails, to stderr
// Spec: Console Standard, assert
// Expect: stderr "Assertion failed: why 1\n"
console.assert(true, 'not'); console.assert(1 === 2, 'why %d', 1);
