// Behaviour: accessor fields
// Spec: TC39, decorators
// Expect: value [1,["x"]]
class A { accessor x: number = 1; }
export default [new A().x, Object.getOwnPropertyNames(A.prototype).filter((n) => n !== 'constructor')];
