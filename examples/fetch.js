// Fetches a page as it comes, with a time-out, and says how it went. Needs a host that it may reach:
//   isolane run examples/fetch.js --allow net=example.com --input '{"url": "https://example.com/"}'
const { url } = job.input;
let response;
try {
  response = await fetch(url, { signal: AbortSignal.timeout(5000), headers: { accept: 'text/*' } });
} catch (error) {
  console.error(`${url}: ${error.cause?.name ?? error.name}: ${error.cause?.message ?? error.message}`);
  throw error;
}
console.log(response.status, response.headers.get('content-type'));

let bytes = 0;
let lines = 0;
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  bytes += text.length;
  lines += text.split('\n').length - 1;
}
export default { status: response.status, bytes, lines };
