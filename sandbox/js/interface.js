// Makes a class an interface as Web IDL has it: members enumerable, a toStringTag, the class itself a
// property of the global object that is not enumerable.
import { define, defineProperty, ownKeys, toStringTag } from './primordials.js';

export function installInterface(global, type) {
  shapeInterface(type);
  define(global, { [type.name]: type }, false);
}

// All but the property of the global object, for classes of lazily loaded parts (globals.js has their names).
export function shapeInterface(type) {
  const names = ownKeys(type.prototype);
  for (let i = 0; i < names.length; i++) {
    if (typeof names[i] === 'string' && names[i] !== 'constructor')
      defineProperty(type.prototype, names[i], { __proto__: null, enumerable: true });
  }
  defineProperty(type.prototype, toStringTag, {
    __proto__: null,
    value: type.name,
    configurable: true,
  });
}

// An attribute of the global object: read only, or replaceable by assignment.
export function installAttribute(global, name, get, replaceable) {
  const descriptor = { __proto__: null, get, enumerable: true, configurable: true };
  if (replaceable) {
    descriptor.set = (value) => {
      const own = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
      defineProperty(global, name, own);
    };
  }
  defineProperty(global, name, descriptor);
}
