// Behaviour: a classic script's value is its completion value
// Spec: docs/scripts.md, first lines
// Job: {"type":"script"}
// Expect: value 12
var a = 3;
a * 4;
