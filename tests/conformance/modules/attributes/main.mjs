// Behaviour: JSON, text and bytes are imported by attribute
// Spec: TC39, import attributes; import text; import bytes
// Expect: value [{"k":"ä"},"{\"k\": \"ä\"}\n",123]
import j from './d.json' with { type: 'json' }; import t from './d.json' with { type: 'text' }; import b from './d.json' with { type: 'bytes' };
export default [j, t, b[0]];
