// Behaviour: Math.random gives no number twice in a row, and crypto seeds each process
// Spec: docs/scripts.md, first lines
// Expect: value true
const seen = new Set(Array.from({ length: 1000 }, Math.random)); export default seen.size > 990;
