// Behaviour: sets have union, intersection, difference
// Spec: ECMAScript, Set.prototype.union
// Expect: value [[1,2,3],[2],[1],true]
const a = new Set([1, 2]), b = new Set([2, 3]);
export default [[...a.union(b)], [...a.intersection(b)], [...a.difference(b)], a.isSubsetOf(a.union(b))];
