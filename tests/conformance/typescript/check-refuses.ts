// Behaviour: check refuses wrong types before anything runs
// Spec: docs/scripts.md, TypeScript
// Job: {"check":true}
// Expect: error TypeScriptError /TS2322/
console.log('never');
const n: number = 'text';
export default n;
