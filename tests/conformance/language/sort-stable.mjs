// Behaviour: sort is stable, toSorted copies
// Spec: ECMAScript, Array.prototype.sort
// Expect: value [["b1","b2","a1"],["b1","a1","b2"]]
const l = ['b1', 'a1', 'b2'];
export default [l.toSorted((x, y) => (x[0] < y[0]) - (x[0] > y[0])), l];
