// Behaviour: decorators of the standard
// Spec: TC39, decorators
// Expect: value ["method:m",6]
const seen: string[] = [];
function twice(f: (n: number) => number, c: ClassMethodDecoratorContext) { seen.push(`${c.kind}:${String(c.name)}`); return (n: number) => 2 * f(n); }
class A { @twice m(n: number): number { return n; } }
export default [seen[0], new A().m(3)];
