// Behaviour: built-in modules of Node.js are an error that says so
// Spec: docs/scripts.md, Modules
// Expect: value "ERR_UNKNOWN_BUILTIN_MODULE"
export default await import('node:fs').catch((e) => e.code);
