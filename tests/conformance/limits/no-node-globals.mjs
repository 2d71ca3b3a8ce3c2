// Behaviour: there is nothing of Node.js
// Spec: docs/scripts.md, first lines
// Expect: value ["undefined","undefined","undefined","undefined"]
export default [typeof process, typeof Buffer, typeof require, typeof global];
