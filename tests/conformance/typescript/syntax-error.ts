// Behaviour: a syntax error has its place in the source
// Spec: docs/scripts.md, TypeScript
// Expect: error SyntaxError /./ 4:17
export const a: = 1;
