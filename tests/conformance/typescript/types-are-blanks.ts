// Behaviour: types go, places stay
// Spec: docs/scripts.md, TypeScript
// Expect: error RangeError /^x1$/ 5:42
type A = { n: number };
export default ((a: A): never => { throw new RangeError('x' + a.n); })({ n: 1 } satisfies A);
