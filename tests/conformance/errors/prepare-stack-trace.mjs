// Behaviour: Error.prepareStackTrace gets the frames
// Spec: V8, stack trace API
// Expect: value "inner"
Error.prepareStackTrace = (e, frames) => frames[0].getFunctionName();
function inner() { return new Error('x').stack; }
export default inner();
