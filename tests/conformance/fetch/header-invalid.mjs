// Behaviour: a header with a line end is refused
// Spec: Fetch, Headers
// Covers: Headers
// Expect: error TypeError /./
new Headers({ a: 'x\ny' });
