// Behaviour: a FileReader reads a Blob and tells how far it is, in order
// Spec: File API, FileReader
// Covers: FileReader
// Expect: value [["loadstart","load","loadend"],"data:text/x;base64,YWI=",2]
const reader = new FileReader();
const heard = [];
for (const type of ['loadstart', 'load', 'loadend']) reader.addEventListener(type, () => heard.push(type));
const ended = new Promise((done) => reader.addEventListener('loadend', done));
reader.readAsDataURL(new Blob(['ab'], { type: 'text/x' }));
await ended;
export default [heard, reader.result, reader.readyState];
