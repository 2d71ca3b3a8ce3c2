// Behaviour: import.meta has url, filename, dirname, main
// Spec: docs/scripts.md, Modules
// Expect: value ["file:///import-meta.mjs","/import-meta.mjs","/",true]
export default [import.meta.url, import.meta.filename, import.meta.dirname, import.meta.main];
