// Behaviour: as, satisfies, non-null and definite assignment leave the value
// Spec: TypeScript
// Expect: value [1,"x"]
let d!: string; d = 'x';
const v = ({ a: 1 } as const) satisfies { a: number };
export default [v!.a, d as unknown];
