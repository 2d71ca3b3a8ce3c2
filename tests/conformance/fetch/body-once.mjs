// Behaviour: a body is read once
// Spec: Fetch, Body
// Covers: Response
// Expect: error TypeError /./
const r = new Response('x'); await r.text(); await r.text();
