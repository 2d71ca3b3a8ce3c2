// Behaviour: a thrown value that is no error gets a message
// Spec: docs/scripts.md, first lines
// Expect: error Error /^Uncaught /
throw 'text';
