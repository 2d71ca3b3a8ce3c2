// Behaviour: a WebSocket to a host that is not permitted ends with an error and a close that was not clean
// Spec: WebSockets Standard, "fail the WebSocket connection"
// Covers: WebSocket, CloseEvent
// Expect: value [0,["error","close"],true,1006,false,3]
const ws = new WebSocket('wss://example.org/');
const first = ws.readyState;
const seen = [];
ws.onerror = (e) => seen.push(e.type);
const close = await new Promise((done) => ws.addEventListener('close', done));
seen.push(close.type);
export default [first, seen, close instanceof CloseEvent, close.code, close.wasClean, ws.readyState];
