// Behaviour: a decorator of a parameter, which only the legacy ones know, is an error and not left out
// Spec: docs/scripts.md#typescript
// Expect: error SyntaxError /parameters.*experimental_decorators/ 5:16
const seen = () => {};
class X { take(@seen value: string) { return value; } }
export default new X().take('x');
