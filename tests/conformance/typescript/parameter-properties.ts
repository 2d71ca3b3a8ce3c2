// Behaviour: parameter properties are assigned
// Spec: TypeScript Handbook, classes
// Expect: value {"x":1,"y":2}
class P { constructor(public x: number, readonly y: number = 2) {} }
export default { ...new P(1) };
