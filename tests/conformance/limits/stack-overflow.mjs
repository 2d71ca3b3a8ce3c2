// Behaviour: recursion without end is a RangeError that can be caught
// Spec: ECMAScript, RangeError
// Expect: value "RangeError"
function f() { return f() + 1; }
let name; try { f(); } catch (e) { name = e.name; }
export default name;
