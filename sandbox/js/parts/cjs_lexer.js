// The names that a CommonJS file exports, as Node.js finds them: cjs-module-lexer. require() picks its build in
// JavaScript; the other is WebAssembly, which a job may lack.
const lexer = require('cjs-module-lexer');

export const parse = (source) => lexer.parse(source);
