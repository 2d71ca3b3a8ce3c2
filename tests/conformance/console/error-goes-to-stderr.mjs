// Behaviour: console.error and warn go to stderr
// Spec: docs/scripts.md, console
// Expect: stderr "e\nw\n"
console.error('e'); console.warn('w'); console.log('not here');
