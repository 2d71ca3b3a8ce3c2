// Behaviour: Array.fromAsync awaits what it iterates
// Spec: ECMAScript, Array.fromAsync
// Expect: value [1,4,9]
async function* squares() { for (let i = 1; i < 4; i++) yield i * i; }
export default await Array.fromAsync(squares());
