// Behaviour: Headers are sorted, joined and lower case; Set-Cookie stays apart
// Spec: Fetch, Headers
// Covers: Headers
// Expect: value [[["a","1, 2"],["set-cookie","x"],["set-cookie","y"]],["x","y"]]
const h = new Headers([['Set-Cookie', 'x'], ['A', '1'], ['set-cookie', 'y']]); h.append('a', '2');
export default [[...h], h.getSetCookie()];
