// Behaviour: generics, overloads and abstract classes run
// Spec: TypeScript
// Expect: value ["n1","s"]
function f(a: number): string; function f(a: string): string; function f(a: unknown): string { return typeof a === 'number' ? 'n' + a : String(a); }
abstract class B<T> { abstract v: T; get(): T { return this.v; } }
class D<T extends string> extends B<T> { constructor(public override v: T) { super(); } }
export default [f(1), f(new D('s').get())];
