// Behaviour: self is the global object
// Spec: HTML, self
// Covers: self
// Expect: value [true,true]
export default [self === globalThis, self.self === self];
