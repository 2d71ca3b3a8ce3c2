// Makes a class an interface as Web IDL has it: members enumerable, a toStringTag, the class itself a
// property of the global object that is not enumerable.
import { define, defineProperty, toStringTag } from './primordials.js';

export function installInterface(global, type) {
  for (const name of Reflect.ownKeys(type.prototype)) {
    if (typeof name === 'string' && name !== 'constructor')
      defineProperty(type.prototype, name, { __proto__: null, enumerable: true });
  }
  defineProperty(type.prototype, toStringTag, {
    __proto__: null,
    value: type.name,
    configurable: true,
  });
  define(global, { [type.name]: type }, false);
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
