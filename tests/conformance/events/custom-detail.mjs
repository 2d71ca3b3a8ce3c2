// Behaviour: a CustomEvent has its detail
// Spec: DOM, CustomEvent
// Covers: CustomEvent
// Expect: value {"a":1}
export default new CustomEvent('x', { detail: { a: 1 } }).detail;
