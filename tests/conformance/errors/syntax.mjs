// Behaviour: a syntax error has its line
// Spec: docs/scripts.md, Modules, errors
// Expect: error SyntaxError /Unexpected token/
const a = ;
