// Behaviour: DOMException has name, code and the constants
// Spec: Web IDL, DOMException
// Covers: DOMException
// Expect: value ["AbortError",20,true,8]
const e = new DOMException('m', 'AbortError');
export default [e.name, e.code, e instanceof Error, DOMException.NOT_FOUND_ERR];
