// Behaviour: a fetch that was aborted before does nothing
// Spec: Fetch, fetch()
// Covers: fetch, AbortSignal
// Expect: value "why"
export default await fetch('data:,x', { signal: AbortSignal.abort('why') }).catch((e) => e);
