// Behaviour: a job of one file imports no file
// Spec: docs/scripts.md, Modules
// Expect: value "ERR_MODULE_NOT_FOUND"
export default await import('./x.mjs').catch((e) => e.code);
