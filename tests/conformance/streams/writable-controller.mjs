// Behaviour: abort reaches the sink's signal
// Spec: Streams, WritableStreamDefaultController
// Covers: WritableStreamDefaultController, WritableStream
// Expect: value ["stop",true]
let c; const s = new WritableStream({ start(k) { c = k; } });
await s.abort('stop');
export default [c.signal.reason, c instanceof WritableStreamDefaultController];
