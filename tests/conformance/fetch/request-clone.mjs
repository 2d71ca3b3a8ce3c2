// Behaviour: a clone has its own body
// Spec: Fetch, clone
// Covers: Request
// Expect: value ["b","b"]
const r = new Request('https://x', { method: 'POST', body: 'b' }), c = r.clone();
export default [await r.text(), await c.text()];
