// Behaviour: a urlencoded body is a form too
// Spec: Fetch, Body
// Covers: URLSearchParams
// Expect: value [["a","1 2"],["a","3"]]
export default [...await new Response(new URLSearchParams('a=1+2&a=3')).formData()];
