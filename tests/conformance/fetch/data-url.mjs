// Behaviour: a data: URL is fetched without a network
// Spec: Fetch, data: URLs
// Covers: fetch
// Expect: value ["ä","text/plain;charset=utf-8"]
const r = await fetch('data:text/plain;charset=utf-8,%C3%A4');
export default [await r.text(), r.headers.get('content-type')];
