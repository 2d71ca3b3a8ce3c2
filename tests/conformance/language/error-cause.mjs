// Behaviour: an error keeps its cause
// Spec: ECMAScript, InstallErrorCause
// Expect: value ["outer","inner",false]
const e = new Error('outer', { cause: new Error('inner') });
export default [e.message, e.cause.message, Object.keys(e).includes('cause')];
