// Behaviour: a host that is not permitted is refused
// Spec: docs/scripts.md, fetch
// Covers: fetch
// Expect: value "PermissionDenied"
export default await fetch('https://example.org/').then(() => 'fetched', (e) => (e.cause ?? e).name);
