// Behaviour: atob and btoa
// Spec: HTML, base64
// Covers: atob, btoa
// Expect: value ["w6Q=","Ã¤"]
export default [btoa('Ã¤'), atob(' w6Q = ')];
