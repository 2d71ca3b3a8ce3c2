// Behaviour: onunhandledrejection gets the promise and its reason, and can have it handled
// Spec: HTML, unhandled promise rejections
// Covers: onunhandledrejection
// Expect: value ["gone",true,"unhandledrejection"]
const seen = [];
onunhandledrejection = (e) => { seen.push(e.reason, e.promise instanceof Promise, e.type); e.preventDefault(); };
Promise.reject('gone');
await new Promise((done) => setTimeout(done, 10));
export default seen;
