// Behaviour: the locale is en-US
// Spec: docs/scripts.md, first lines
// Expect: value ["1,234.5","en-US"]
export default [(1234.5).toLocaleString(), new Intl.NumberFormat().resolvedOptions().locale];
