// Behaviour: an import that failed fails alike when it is asked again
// Spec: ECMAScript, ContinueDynamicImport
// Expect: value [true,"once"]
const f = () => import('./bad.mjs').catch((e) => e);
const [a, b] = [await f(), await f()];
export default [a === b, a.message];
