// Behaviour: Response.redirect and error
// Spec: Fetch, Response
// Covers: Response
// Expect: value [302,"https://x/",0,"error"]
const r = Response.redirect('https://x'), e = Response.error();
export default [r.status, r.headers.get('location'), e.status, e.type];
