// Behaviour: an EventSource that may not connect ends with an error
// Spec: HTML, EventSource
// Covers: EventSource
// Expect: value ["error",2]
const s = new EventSource('https://example.org/');
export default await new Promise((done) => { s.onerror = (e) => done([e.type, s.readyState]); });
