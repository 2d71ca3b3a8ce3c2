// sodium: libsodium's functions under their own names in camelCase, its constants in capitals. The functions
// are native (sandbox/engine/sodium_*.cc) and check their arguments themselves; here they are put on one
// object with their number of parameters, which comes with their names from the one table there.
import { define, defineProperty, toStringTag } from './primordials.js';

const { sodium: functions } = native;

export function installSodium(global) {
  const sodium = {};
  for (const line of functions.signatures().trim().split('\n')) {
    const [, name, parameters] = /^(\w+)\((.*)\)$/.exec(line);
    const needed = parameters.split(', ').filter((p) => p !== '' && !p.endsWith('?')).length;
    defineProperty(functions[name], 'length', { __proto__: null, value: needed });
    sodium[name] = functions[name];
  }
  const constants = functions.constants();
  for (const name of Object.keys(constants))
    defineProperty(sodium, name, { __proto__: null, value: constants[name], enumerable: true });
  defineProperty(sodium, toStringTag, { __proto__: null, value: 'sodium', configurable: true });
  define(global, { sodium }, false);
}
