// Behaviour: AbortSignal.any follows the first
// Spec: DOM, AbortSignal.any
// Covers: AbortSignal, AbortController
// Expect: value ["b",true]
const a = new AbortController(), b = new AbortController();
const s = AbortSignal.any([a.signal, b.signal]); b.abort('b'); a.abort('a');
export default [s.reason, s.aborted];
