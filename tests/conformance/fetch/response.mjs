// Behaviour: a Response as JSON, text, bytes, blob
// Spec: Fetch, Response
// Covers: Response
// Expect: value [{"a":1},"t",[116],"text/x",201]
export default [await Response.json({ a: 1 }).json(), await new Response('t').text(), [...await new Response('t').bytes()], (await new Response('t', { headers: { 'content-type': 'text/x' } }).blob()).type, new Response(null, { status: 201 }).status];
