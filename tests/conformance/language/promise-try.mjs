// Behaviour: Promise.try turns a throw into a rejection
// Spec: ECMAScript, Promise.try
// Expect: value "caught x"
export default await Promise.try(() => { throw 'x'; }).catch((e) => 'caught ' + e);
