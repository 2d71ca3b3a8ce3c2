// Behaviour: onrejectionhandled follows when a handler comes late
// Spec: HTML, unhandled promise rejections
// Covers: onrejectionhandled
// Expect: value ["unhandledrejection","rejectionhandled"]
const seen = [];
onunhandledrejection = (e) => { seen.push(e.type); e.preventDefault(); };
onrejectionhandled = (e) => seen.push(e.type);
const p = Promise.reject(1);
await new Promise((done) => setTimeout(done, 5));
p.catch(() => {});
await new Promise((done) => setTimeout(done, 5));
export default seen;
