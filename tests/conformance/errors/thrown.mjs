// Behaviour: a thrown error has name, message and place
// Spec: docs/scripts.md, first lines
// Expect: error RangeError /^too far$/ 4:7
throw new RangeError('too far');
