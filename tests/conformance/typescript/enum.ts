// Behaviour: enums are transformed, with reverse names
// Spec: TypeScript Handbook, enums
// Expect: value [0,"B",5,"s"]
enum E { A, B }
const enum C { Five = 2 + 3 }
enum S { X = 's' }
export default [E.A, E[1], C.Five, S.X];
