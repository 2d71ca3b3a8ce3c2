// Behaviour: a module awaits at its top level
// Spec: ECMAScript, Modules, top-level await
// Expect: value 7
const n = await new Promise((done) => setTimeout(done, 1, 7));
export default n;
