// Behaviour: stacks show the script alone
// Spec: docs/scripts.md, console
// Expect: value [true,false]
let s; [1].forEach(function here() { s = new Error('x').stack; });
export default [/here/.test(s), /isolane:|native/.test(s)];
