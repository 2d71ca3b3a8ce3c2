// Behaviour: a function cannot be cloned
// Spec: HTML, structured clone
// Covers: structuredClone
// Expect: error DataCloneError /./
structuredClone(() => {});
