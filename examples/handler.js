// A handler as it runs at an edge: Request in, Response out, routes by URLPattern, a form, JSON, a stream, errors as
// responses. The job plays its clients. Frameworks that are made of these (hono, itty-router) run alike.
//   isolane run examples/handler.js
const routes = [];
const on = (method, pathname, answer) => routes.push({ method, pattern: new URLPattern({ pathname }), answer });

async function handle(request) {
  for (const { method, pattern, answer } of routes) {
    const match = request.method === method && pattern.exec(request.url);
    if (!match) continue;
    try {
      return await answer(request, match.pathname.groups);
    } catch (error) {
      return Response.json({ error: error.message }, { status: 400 });
    }
  }
  return new Response('not found', { status: 404 });
}

const notes = new Map();
on('GET', '/notes/:id', (_, { id }) => (notes.has(id) ? Response.json(notes.get(id)) : new Response(null, { status: 404 })));
on('PUT', '/notes/:id', async (request, { id }) => {
  notes.set(id, await request.json());
  return new Response(null, { status: 201, headers: { location: `/notes/${id}` } });
});
on('POST', '/upload', async (request) => {
  const file = (await request.formData()).get('file');
  return Response.json({ name: file.name, bytes: file.size, text: await file.text() });
});
on('GET', '/count', () => new Response(ReadableStream.from(['one ', 'two ', 'three']).pipeThrough(new TextEncoderStream())));

const ask = (path, init) => handle(new Request(`https://notes.example${path}`, init));
const form = new FormData();
form.append('file', new File(['grüße'], 'greeting.txt', { type: 'text/plain' }));

const put = await ask('/notes/1', { method: 'PUT', body: '{"text": "hello"}' });
console.log(put.status, put.headers.get('location'));
console.log(await (await ask('/notes/1')).json());
console.log((await ask('/notes/2', { method: 'PUT', body: 'no JSON' })).status, (await ask('/nowhere')).status);

export default {
  uploaded: await (await ask('/upload', { method: 'POST', body: form })).json(),
  counted: await (await ask('/count')).text(),
};
