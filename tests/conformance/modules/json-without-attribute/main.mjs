// Behaviour: JSON needs its attribute
// Spec: TC39, import attributes
// Expect: error TypeError /needs an import attribute of "type: json"/
import j from './d.json';
export default j;
