// Behaviour: the time zone is UTC
// Spec: docs/scripts.md, first lines
// Expect: value [0,"UTC"]
export default [new Date().getTimezoneOffset(), Intl.DateTimeFormat().resolvedOptions().timeZone];
