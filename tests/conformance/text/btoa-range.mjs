// Behaviour: btoa refuses characters beyond U+00FF
// Spec: HTML, btoa
// Covers: btoa
// Expect: error InvalidCharacterError /./
btoa('€');
