// Behaviour: namespaces hold values and merge
// Spec: TypeScript Handbook, namespaces
// Expect: value 3
namespace N { export const a = 1; }
namespace N { export const b = N.a + 1; }
export default N.a + N.b;
