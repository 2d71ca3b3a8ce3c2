// Behaviour: a handler in the same turn is early enough
// Spec: HTML, unhandled promise rejections
// Expect: value "handled"
const p = Promise.reject(new Error('x'));
let seen; p.catch(() => { seen = 'handled'; });
await null; await null;
export default seen;
