// Behaviour: an error in an imported file names it
// Spec: docs/scripts.md, Modules, errors
// Expect: error TypeError /null/ 2:11
import './bad.mjs';
