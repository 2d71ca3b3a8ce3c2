// Behaviour: console.count counts by label
// Spec: Console Standard, count
// Expect: stdout "x: 1\nx: 2\nx: 1\n"
console.count('x'); console.count('x'); console.countReset('x'); console.count('x');
