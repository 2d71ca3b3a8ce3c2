// Behaviour: without a reason it is an AbortError
// Spec: DOM, AbortSignal.abort
// Covers: AbortSignal
// Expect: value ["AbortError",true]
const s = AbortSignal.abort();
let thrown; try { s.throwIfAborted(); } catch (e) { thrown = e; }
export default [s.reason.name, thrown === s.reason];
