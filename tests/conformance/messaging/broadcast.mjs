// Behaviour: a BroadcastChannel reaches the others of its name
// Spec: HTML, BroadcastChannel
// Covers: BroadcastChannel
// Expect: value [["b","hi"]]
const a = new BroadcastChannel('n'), b = new BroadcastChannel('n'), c = new BroadcastChannel('m'); const seen = [];
for (const [k, ch] of Object.entries({ a, b, c })) ch.onmessage = (e) => seen.push([k, e.data]);
a.postMessage('hi'); for (let i = 0; i < 1000 && seen.length === 0; i++) await new Promise((done) => setTimeout(done, 1));
await new Promise((done) => setTimeout(done, 5));
for (const ch of [a, b, c]) ch.close();
export default seen;
