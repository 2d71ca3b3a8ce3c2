// Behaviour: Object.groupBy and Map.groupBy
// Spec: ECMAScript, Object.groupBy
// Expect: value [{"odd":[1,3],"even":[2]},2]
const g = Object.groupBy([1, 2, 3], (n) => (n % 2 ? 'odd' : 'even'));
export default [g, Map.groupBy([1, 2, 3], (n) => n % 2).size];
