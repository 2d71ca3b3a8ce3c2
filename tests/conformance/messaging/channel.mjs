// Behaviour: ports of a channel exchange copies, and other ports
// Spec: HTML, MessageChannel
// Covers: MessageChannel, MessagePort
// Expect: value [{"a":[1]},true]
const { port1, port2 } = new MessageChannel(), other = new MessageChannel();
const got = new Promise((done) => { port2.onmessage = (e) => done([e.data.x, e.ports[0] instanceof MessagePort]); });
port1.postMessage({ x: { a: [1] }, p: other.port1 }, [other.port1]);
const r = await got; port1.close();
export default r;
