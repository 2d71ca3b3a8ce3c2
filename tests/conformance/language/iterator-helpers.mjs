// Behaviour: iterators have map, filter, take, drop
// Spec: ECMAScript, Iterator helper objects
// Expect: value [4,8]
function* n() { for (let i = 0; ; i++) yield i; }
export default n().filter((x) => x % 2 === 0).drop(1).map((x) => x * 2).take(2).toArray();
