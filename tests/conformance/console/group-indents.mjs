// Behaviour: groups indent by two
// Spec: Console Standard, group
// Expect: stdout "a\n  b\n    c\nd\n"
console.group('a'); console.log('b'); console.group(); console.log('c'); console.groupEnd(); console.groupEnd(); console.log('d');
