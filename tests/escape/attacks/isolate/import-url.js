// layer: isolate
// attack: imports files and addresses: file:, data:, blob:, http:, a path, with attributes
// success: one is loaded
// control: node
const names = ['file:///proc/self/maps', '/etc/hostname', './other.js', 'data:text/javascript,export default 1', 'http://127.0.0.1/x.js', 'https://127.0.0.1/', 'blob:x'];
const loaded = [];
for (const name of names) for (const options of [undefined, { with: { type: 'json' } }]) await import(name, options).then(() => loaded.push(name), () => {});
export default loaded.length ? escaped(loaded) : held('none is loaded');
