// Behaviour: a Request has method, URL, headers and body
// Spec: Fetch, Request
// Covers: Request
// Expect: value ["POST","https://x/a","text/plain;charset=UTF-8","body",true]
const r = new Request('https://x/a', { method: 'post', body: 'body' });
export default [r.method, r.url, r.headers.get('content-type'), await r.text(), r.bodyUsed];
