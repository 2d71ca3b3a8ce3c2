// Behaviour: navigator tells who this is
// Spec: WinterTC, navigator.userAgent
// Covers: navigator, Navigator
// Expect: value [true,true]
export default [/^Isolane\//.test(navigator.userAgent), navigator instanceof Navigator];
