// Behaviour: a timer's callback must be a function
// Spec: docs/scripts.md, Timers
// Covers: setTimeout
// Expect: error TypeError /function/
setTimeout('code', 1);
