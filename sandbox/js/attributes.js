// Attributes of the global object: self, crypto, performance, navigator. What they stand for is in parts.
import { defineProperty } from './primordials.js';
import { lazy } from './parts.js';

const cryptography = lazy('web_crypto');
const time = lazy('hr_time');
const user = lazy('navigator');

// Read only, or replaceable by assignment.
function installAttribute(global, name, get, replaceable) {
  const descriptor = { __proto__: null, get, enumerable: true, configurable: true };
  if (replaceable) {
    descriptor.set = (value) => {
      const own = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
      defineProperty(global, name, own);
    };
  }
  defineProperty(global, name, descriptor);
}

export function installAttributes(global) {
  installAttribute(global, 'crypto', () => cryptography().crypto, false);
  installAttribute(global, 'performance', () => time().performance, true);
  installAttribute(global, 'navigator', () => user().navigator, true);
}

export const installSelf = (global) => installAttribute(global, 'self', () => global, true);
