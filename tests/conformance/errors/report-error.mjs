// Behaviour: reportError makes an error event
// Spec: HTML, reportError
// Covers: reportError, ErrorEvent, addEventListener
// Expect: value ["told",true]
const seen = [];
addEventListener('error', (e) => { seen.push(e.error.message, e instanceof ErrorEvent); e.preventDefault(); });
reportError(new Error('told'));
export default seen;
