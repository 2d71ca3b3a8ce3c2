// Behaviour: `using` disposes at the end of its block, the last first
// Spec: ECMAScript, Explicit Resource Management
// Expect: value ["body","b","a"]
const log_ = [];
const r = (n) => ({ [Symbol.dispose]() { log_.push(n); } });
{ using a = r('a'); using b = r('b'); log_.push('body'); }
export default log_;
