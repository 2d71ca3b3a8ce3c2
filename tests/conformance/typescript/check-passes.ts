// Behaviour: check lets right types run, with those of the platform
// Spec: docs/scripts.md, TypeScript
// Job: {"check":true}
// Expect: value "https://x/"
const u: URL = new URL('https://x');
const s: ReadableStream<Uint8Array> = new Blob([u.href]).stream();
export default await new Response(s).text();
