// Behaviour: a pipe is aborted by a signal
// Spec: Streams, pipeTo
// Covers: ReadableStream, WritableStream
// Expect: value ["AbortError","cancelled"]
let how; const c = new AbortController();
const p = new ReadableStream({ cancel() { how = 'cancelled'; } }).pipeTo(new WritableStream(), { signal: c.signal });
c.abort();
export default [await p.catch((e) => e.name), how];
